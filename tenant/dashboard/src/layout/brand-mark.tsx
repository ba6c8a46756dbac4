import type { Branding } from "../branding/branding";

/** The customer's logo, or the first letter of the name on the brand colour. */
export function BrandMark({ branding, large = false }: { branding: Branding; large?: boolean }) {
  const initial = Array.from(branding.name)[0] ?? "A";
  return (
    <div className={`brand ${large ? "large" : ""}`}>
      {branding.logo === "" ? (
        <span className="brand-letter" aria-hidden="true">
          {initial.toUpperCase()}
        </span>
      ) : (
        <img className="brand-logo" src={branding.logo} alt="" />
      )}
      <span className="brand-name" title={branding.name}>
        {branding.name}
      </span>
    </div>
  );
}
