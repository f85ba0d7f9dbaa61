import { IconButton } from '../shared/icon-button.js';
import type { DraftPicture } from './draft.js';
import type { Place, Remark } from './place-findings.js';
import { Remarks, remarksId } from './remarks.js';

interface PictureListProps {
  readonly name: string;
  readonly pictures: readonly DraftPicture[];
  readonly remarks: ReadonlyMap<Place, readonly Remark[]>;
  readonly onCaption: (key: string, caption: string) => void;
  readonly onRemove: (picture: DraftPicture) => void;
}

/** The pictures with what they show. */
export function PictureList({ name, pictures, remarks, onCaption, onRemove }: PictureListProps) {
  return (
    <ul class="pictures">
      {pictures.map((picture, index) => (
        <li key={picture.key}>
          <div class="preview">
            <img src={picture.address} alt={picture.caption || `Picture ${index + 1}`} />
            <IconButton
              icon="close"
              label={`Remove picture ${index + 1}`}
              onClick={() => onRemove(picture)}
            />
          </div>
          <textarea
            rows={2}
            aria-label={`What picture ${index + 1} shows`}
            aria-describedby={remarksId(picture.key)}
            placeholder={`${name || 'Robin'} in the garden, laughing`}
            value={picture.caption}
            onInput={(event) => onCaption(picture.key, event.currentTarget.value)}
          />
          <Remarks remarks={remarks} of={picture.key} />
        </li>
      ))}
    </ul>
  );
}
