// An answer as safe Markdown: no HTML, no images, no links; `[n]` becomes a chip that opens the
// source. Markers the agent did not send a citation for stay text.
import { createContext, memo, useContext, useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import Markdown, { type Components, type Options } from "react-markdown";

import { blocksOf } from "./blocks";
import { citedBy, markersAsElements } from "./markers";
import { place } from "./place";
import type { Citation } from "./stream";

interface Cited {
  citations: Citation[];
  onCite: (citation: Citation) => void;
}

interface Props extends Cited {
  text: string;
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
  "cite",
];

const Sources = createContext<Cited>({ citations: [], onCite: () => undefined });
const Heading = ({ children }: { children?: ReactNode }) => <h2>{children}</h2>;

// Made once: other functions at each turn would make React draw every marker anew.
const COMPONENTS: Components = {
  // Under the page's own heading, whichever level the model chose.
  h3: Heading,
  h4: Heading,
  cite: (props) => <Marker {...(props as unknown as MarkerProps)} />,
};

export default function AnswerText({ text, citations, onCite }: Props) {
  const cited = useMemo(() => ({ citations, onCite }), [citations, onCite]);
  return (
    <Sources value={cited}>
      <div className="answer-text">
        {blocksOf(text).map((block, index) => (
          <Block key={index} text={block.text} before={JSON.stringify(block.before)} />
        ))}
      </div>
    </Sources>
  );
}

/** `before` travels as text, so that an unchanged block compares equal and is left alone. */
const Block = memo(function Block({ text, before }: { text: string; before: string }) {
  const plugins = [[markersAsElements, JSON.parse(before)]] as Options["rehypePlugins"];
  return (
    <Markdown
      allowedElements={ALLOWED}
      unwrapDisallowed
      skipHtml
      components={COMPONENTS}
      rehypePlugins={plugins}
    >
      {text}
    </Markdown>
  );
});

interface MarkerProps {
  "data-n": number;
  "data-occurrence": number;
}

function Marker({ "data-n": n, "data-occurrence": occurrence }: MarkerProps) {
  const { t } = useTranslation();
  const { citations, onCite } = useContext(Sources);
  const citation = citations.find((known) => known.n === n);
  if (!citation) return `[${n}]`;
  const where = { n, document: citation.document_name, place: place(t, citation) };
  return (
    <button
      type="button"
      className="chip"
      aria-label={t("chat.sourceNumber", where)}
      title={`${citation.document_name}, ${place(t, citation)}`}
      onClick={() => {
        onCite(citedBy(citation, occurrence));
      }}
    >
      {n}
    </button>
  );
}
