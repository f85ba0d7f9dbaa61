/**
 * Shapes of the RoleScape-20 files (spec 8.3, 8.4). Only what the project reads is required; further keys are allowed
 * everywhere, because the published files carry some (and one misspelt one).
 */

import Type from 'typebox';

/** Ids are strings in some files and integers in others. */
const Id = Type.Union([Type.String(), Type.Integer()]);

/** Some options are bare numbers. */
const Options = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]));

const header = { description: Type.String(), opening: Type.String() };

const choiceFields = {
  id: Id,
  question: Type.String(),
  options: Options,
  answer_key: Type.String(),
};

const UserTurn = Type.Object({ role: Type.Literal('user'), text: Type.String() });

const ReplyTurn = Type.Object({ role: Type.Literal('machine'), text: Type.String() });

const QaPair = Type.Object({
  question: Type.String(),
  answer: Type.String(),
  type: Type.Union([Type.Literal('objective'), Type.Literal('subjective')]),
});

const PictureTurn = Type.Object({
  role: Type.Literal('machine'),
  text: Type.String(),
  image: Id,
  thinking_process: Type.Optional(Type.String()),
  generation_instruction: Type.Optional(Type.String()),
  qa_pairs: Type.Optional(Type.Array(QaPair)),
  mcq_items: Type.Optional(Type.Array(Type.Object(choiceFields))),
});

/** `annotation.json` and `<P>_with_image.json`: every scene is one user turn and one reply with a picture. */
export const SceneFile = Type.Object({
  ...header,
  scenes: Type.Array(Type.Tuple([UserTurn, PictureTurn])),
});

/** `<P>_dialogue_text_extension_{train,test}.json`. Picture ids in these files refer to nothing and are not read. */
export const DialogueFile = Type.Object({
  ...header,
  scenes: Type.Array(Type.Tuple([UserTurn, ReplyTurn])),
});

export const InstructionFile = Type.Object({
  ...header,
  t2i_instructions: Type.Array(Type.Object({ image_id: Id, t2i_instruction: Type.String() })),
});

export const KnowledgeFile = Type.Object({
  ...header,
  qa_items: Type.Array(Type.Object({ question: Type.String(), answer: Type.String() })),
});

export const KnowledgeChoiceFile = Type.Object({
  ...header,
  mcq_items: Type.Array(Type.Object(choiceFields)),
});

export const TestQuestionFile = Type.Object({ ...header, test_questions: Type.Array(Type.String()) });

/** A row of `processed/t2i/*.jsonl`. */
export const PictureRow = Type.Object({ text: Type.String(), image: Type.String(), scene_id: Id });

/** A row of `processed/vlm/*.jsonl`. */
export const ConversationRow = Type.Object({
  id: Id,
  image: Type.Optional(Type.String()),
  qa_type: Type.Optional(Type.Union([Type.Literal('objective'), Type.Literal('subjective')])),
  conversations: Type.Tuple([
    Type.Object({ from: Type.Literal('human'), value: Type.String() }),
    Type.Object({ from: Type.Literal('gpt'), value: Type.String() }),
  ]),
});

/** A line of `flow_grpo/dataset/personalized_t2i/<U>/*.jsonl`; the prompt is called `text` or `prompt`. */
export const GrpoRow = Type.Object({
  text: Type.Optional(Type.String()),
  prompt: Type.Optional(Type.String()),
  character: Type.String(),
  scene_id: Id,
  reference_images_path: Type.Optional(Type.String()),
  vqa_questions: Type.Optional(
    Type.Array(
      Type.Object({
        question: Type.String(),
        answer: Type.String(),
        weight: Type.Number(),
        type: Type.Optional(Type.String()),
        category: Type.Optional(Type.String()),
        is_negative: Type.Optional(Type.Boolean()),
        choices: Type.Optional(Type.Array(Type.String())),
      }),
    ),
  ),
});
