// All primitives in all states. A page of its own (gallery.html of a build), so that it weighs on nothing else.
import { useEffect } from "react";
import { useFrame } from "../hooks/app";
import { Direction } from "../ui/Direction";
import { PageHead } from "../ui/PageHead";
import { Fields } from "./Fields";
import { LookPick } from "../components/LookPick";
import { useDir } from "../ui/look";
import { Overlays } from "./Overlays";
import { Parts } from "./Parts";
import { words } from "./words";

export function Gallery() {
  const { preferences } = useFrame();
  const w = words[preferences.language];
  const [dir, setDir] = useDir();
  useEffect(() => {
    document.title = `${w.title} · Hubbub`;
  }, [w]);
  return (
    <Direction dir={dir}>
      <main className="gallery">
        <PageHead title={w.title} hint={w.lead} back={{ href: "./", label: w.back }} />
        <LookPick>
          <div className="pick" role="group" aria-label={w.dir}>
            {(["ltr", "rtl"] as const).map((one) => <button key={one} type="button" aria-pressed={dir === one} onClick={() => setDir(one)}>{one}</button>)}
          </div>
        </LookPick>
        <Parts w={w} />
        <Fields w={w} />
        <Overlays w={w} />
      </main>
    </Direction>
  );
}
