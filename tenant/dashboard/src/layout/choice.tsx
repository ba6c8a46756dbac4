import { useId } from "react";

interface Props {
  label: string;
  value: string;
  options: [key: string, text: string][];
  onChange: (value: string) => void;
  quiet?: boolean;
}

/** One of a few, as segments; `quiet` keeps the label for assistive technology only. */
export function Choice({ label, value, options, onChange, quiet = false }: Props) {
  const id = useId();
  return (
    <fieldset className="choice">
      <legend className={quiet ? "visually-hidden" : ""}>{label}</legend>
      <div className="segments">
        {options.map(([key, text]) => (
          <label key={key} className="segment">
            <input
              type="radio"
              name={id}
              checked={value === key}
              onChange={() => {
                onChange(key);
              }}
            />
            <span>{text}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
