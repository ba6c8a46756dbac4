// What a conversation shows, top to bottom: the stored messages, with the answer on its way in its
// place among them. A turn keeps its key from the first word to the stored message.
import type { LiveAnswer, Message } from "./stream";
import type { Asking } from "./use-answer";

export type Turn =
  | { key: string; role: "question"; text: string }
  | { key: string; role: "answer"; message: Message | null; live: LiveAnswer | null };

export function turnsOf(messages: Message[], asking: Asking | null): Turn[] {
  const stored = messages.map((message): Turn => {
    const { id, role, content } = message;
    if (role === "user") return { key: id, role: "question", text: content };
    const live = asking !== null && isOf(asking, message) ? asking.answer : null;
    return { key: id, role: "answer", message, live };
  });
  if (asking === null || messages.some((message) => isOf(asking, message))) return stored;
  const { questionId, messageId } = asking.answer;
  const question: Turn = { key: questionId ?? "question", role: "question", text: asking.question };
  const others = stored.filter(({ key }) => key !== questionId);
  const answer: Turn = {
    key: messageId ?? "answer",
    role: "answer",
    message: null,
    live: asking.answer,
  };
  return [...others, question, answer];
}

/** Before it is known which, the live answer is the one being written; a refused one is none. */
function isOf({ answer }: Asking, message: Message): boolean {
  return answer.messageId === null
    ? answer.phase !== "failed" && message.state === "streaming"
    : message.id === answer.messageId;
}

/** Whether what is live has come to rest in the loaded messages, which then show it. */
export function isStored({ answer }: Asking, messages: Message[]): boolean {
  return messages.some(
    ({ id, state }) => id === answer.messageId && (state === "complete" || state === "stopped"),
  );
}

/** The questions the agent has taken: they need not be kept for another try. */
export function questionsOf(messages: Message[], asking: Asking | null): string[] {
  const stored = messages.filter(({ role }) => role === "user").map(({ content }) => content);
  return asking?.answer.messageId ? [...stored, asking.question] : stored;
}

export function questionBefore(message: Message, messages: Message[]): string {
  return messages[messages.indexOf(message) - 1]?.content ?? "";
}
