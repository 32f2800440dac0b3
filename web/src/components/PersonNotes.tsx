// Notes about a person: written, changed and removed here.
import { useState } from "react";
import type { Card } from "../api.gen";
import { useText } from "../hooks/app";
import type { Act, PersonCalls } from "../services/person";

export function PersonNotes({ card, calls, act, mayChange }: { card: Card; calls: PersonCalls; act: Act; mayChange: boolean }) {
  const t = useText();
  const [text, setText] = useState("");
  const [editing, setEditing] = useState<string | null>(null);
  const { id } = card.contact;
  const save = async () => {
    if (await act(() => calls.note(id, editing, text))) {
      setText("");
      setEditing(null);
    }
  };
  return (
    <section aria-label={t("person.notes")} data-testid="person-notes">
      <h3>{t("person.notes")}</h3>
      <p className="person-hint">{t("person.noteHint")}</p>
      <ul className="person-notes">
        {card.notes.map((note) => (
          <li key={note.id}>
            <p dir="auto">{note.text}</p>
            <footer>
              <span dir="auto">{[note.author_name, t.full(note.created_at), note.edited_at === null ? null : t("person.edited")].filter(Boolean).join(" · ")}</span>
              {mayChange && (
                <>
                  <button type="button" className="quiet" onClick={() => { setEditing(note.id); setText(note.text); }}>{t("person.edit")}</button>
                  <button type="button" className="quiet" onClick={() => void act(() => calls.note(id, note.id, null))}>{t("person.remove")}</button>
                </>
              )}
            </footer>
          </li>
        ))}
      </ul>
      {mayChange && (
        <form onSubmit={(event) => { event.preventDefault(); void save(); }}>
          <textarea value={text} rows={2} maxLength={4000} required aria-label={t("person.newNote")} placeholder={t("person.newNote")}
            onChange={(event) => setText(event.target.value)} data-testid="note-text" />
          <button type="submit">{t(editing === null ? "person.addNote" : "person.save")}</button>
          {editing !== null && (
            <button type="button" className="quiet" onClick={() => { setEditing(null); setText(""); }}>{t("person.cancel")}</button>
          )}
        </form>
      )}
    </section>
  );
}
