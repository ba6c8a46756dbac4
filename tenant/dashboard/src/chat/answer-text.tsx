// An answer as safe Markdown: no HTML, no images, no links; `[n]` becomes a chip that opens the
// source. Markers the agent did not send a citation for stay text.
import { Fragment, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import Markdown, { type Components } from "react-markdown";

import { place } from "./place";
import type { Citation } from "./stream";

interface Props {
  text: string;
  citations: Citation[];
  onCite: (citation: Citation) => void;
}

const ALLOWED = [
  "p",
  "strong",
  "em",
  "ul",
  "ol",
  "li",
  "code",
  "pre",
  "blockquote",
  "h3",
  "h4",
  "br",
];

export default function AnswerText({ text, citations, onCite }: Props) {
  const withChips = (children: ReactNode): ReactNode => chips(children, citations, onCite);
  const components: Components = {
    p: ({ children }) => <p>{withChips(children)}</p>,
    li: ({ children }) => <li>{withChips(children)}</li>,
    // Under the page's own heading, whichever level the model chose.
    h3: ({ children }) => <h2>{withChips(children)}</h2>,
    h4: ({ children }) => <h2>{withChips(children)}</h2>,
    strong: ({ children }) => <strong>{withChips(children)}</strong>,
    em: ({ children }) => <em>{withChips(children)}</em>,
  };
  return (
    <div className="answer-text">
      <Markdown allowedElements={ALLOWED} unwrapDisallowed skipHtml components={components}>
        {text}
      </Markdown>
    </div>
  );
}

function chips(children: ReactNode, citations: Citation[], onCite: Props["onCite"]): ReactNode {
  const parts = Array.isArray(children) ? (children as ReactNode[]) : [children];
  return parts.map((part, index) => (
    <Fragment key={index}>
      {typeof part === "string" ? split(part, citations, onCite) : part}
    </Fragment>
  ));
}

function split(text: string, citations: Citation[], onCite: Props["onCite"]): ReactNode[] {
  return text.split(/(\[\d+\])/).map((part, index) => {
    const number = /^\[(\d+)\]$/.exec(part)?.[1];
    const citation = citations.find(({ n }) => n === Number(number));
    return citation ? <Chip key={index} citation={citation} onCite={onCite} /> : part;
  });
}

function Chip({ citation, onCite }: { citation: Citation; onCite: Props["onCite"] }) {
  const { t } = useTranslation();
  const where = { n: citation.n, document: citation.document_name, place: place(t, citation) };
  return (
    <button
      type="button"
      className="chip"
      data-passage={citation.passage_id}
      aria-label={t("chat.sourceNumber", where)}
      title={`${citation.document_name}, ${place(t, citation)}`}
      onClick={() => {
        onCite(citation);
      }}
    >
      {citation.n}
    </button>
  );
}
