// A part of the gallery with its heading.
import type { ReactNode } from "react";

export function Part({ title, id, children }: { title: string; id: string; children: ReactNode }) {
  return (
    <section className="gallery-part" aria-labelledby={`part-${id}`} data-part={id}>
      <h2 id={`part-${id}`}>{title}</h2>
      {children}
    </section>
  );
}
