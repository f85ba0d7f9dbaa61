import { useEffect, useState } from 'preact/hooks';
import { IconButton } from '../shared/icon-button.js';

/** A card or archive that will be uploaded as it is. */
export function CardPreview({ card, onRemove }: { card: File; onRemove: () => void }) {
  const [address, setAddress] = useState<string>();
  useEffect(() => {
    if (!card.type.startsWith('image/')) return;
    const shown = URL.createObjectURL(card);
    setAddress(shown);
    return () => URL.revokeObjectURL(shown);
  }, [card]);
  return (
    <section class="panel card-file">
      {address && <img src={address} alt="" />}
      <div>
        <h2>{card.name}</h2>
        <p class="hint">
          Its texts, example dialogues and pictures become the character. The card is kept as it is and can be
          exported again.
        </p>
      </div>
      <IconButton icon="close" label="Use no card" onClick={onRemove} />
    </section>
  );
}
