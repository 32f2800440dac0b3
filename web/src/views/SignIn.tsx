// Signing in: says what is wrong in words, and puts the cursor where it can be mended.
import { useEffect, useRef, useState, type FormEvent } from "react";
import { LanguagePick } from "../components/LanguagePick";
import { Mark } from "../components/Icons";
import { useApp, usePick, useText } from "../hooks/app";
import type { Text } from "../i18n/text";
import { reasonOf, RequestError } from "../services/problem";
import { isKept } from "../services/shelf";

export function SignIn() {
  const t = useText();
  const app = useApp();
  const expired = usePick((state) => state.session.expired);
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [shown, setShown] = useState(false);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const emailField = useRef<HTMLInputElement>(null);
  const passwordField = useRef<HTMLInputElement>(null);

  useEffect(() => {
    document.title = `${t("signIn.title")} · ${t("app.name")}`;
    emailField.current?.focus();
  }, [t]);

  async function submit(event: FormEvent) {
    event.preventDefault();
    if (!email.trim() || !password) {
      setProblem(t("signIn.missing"));
      (email.trim() ? passwordField : emailField).current?.focus();
      return;
    }
    setBusy(true);
    setProblem(null);
    try {
      await app.signIn(email.trim(), password);
    } catch (error) {
      setProblem(problemWords(t, error));
      setBusy(false);
      passwordField.current?.focus();
      passwordField.current?.select();
    }
  }

  return (
    <main className="sign-in">
      <form className="sign-in-card" onSubmit={(event) => void submit(event)} noValidate>
        <header>
          <Mark />
          <h1>{t("app.name")}</h1>
          <p>{t("signIn.lead")}</p>
        </header>
        {!isKept() && <p className="sign-in-note" role="status" data-testid="sign-in-cookies">{t("signIn.cookies")}</p>}
        {expired && <p className="sign-in-note" role="status">{t("signIn.expired")}</p>}
        <label className="field">
          <span>{t("signIn.email")}</span>
          <input
            ref={emailField} type="email" name="email" autoComplete="username" inputMode="email" required
            value={email} onChange={(event) => setEmail(event.target.value)} aria-describedby="sign-in-problem"
            aria-invalid={problem !== null} data-testid="sign-in-email"
          />
        </label>
        <label className="field">
          <span>{t("signIn.password")}</span>
          <span className="field-with-button">
            <input
              ref={passwordField} type={shown ? "text" : "password"} name="password" autoComplete="current-password"
              required value={password} onChange={(event) => setPassword(event.target.value)}
              aria-describedby="sign-in-problem" aria-invalid={problem !== null} data-testid="sign-in-password"
            />
            <button type="button" className="quiet" aria-pressed={shown} onClick={() => setShown(!shown)}>
              {t(shown ? "signIn.hide" : "signIn.show")}
            </button>
          </span>
        </label>
        <p id="sign-in-problem" className="sign-in-problem" role="alert">{problem}</p>
        <button type="submit" className="primary wide" disabled={busy} data-testid="sign-in-submit">
          {t(busy ? "signIn.busy" : "signIn.submit")}
        </button>
      </form>
      <LanguagePick />
    </main>
  );
}

/** A minute is what a proxy's refusal without a time comes to. */
const waitS = 60;

export function problemWords(t: Text, error: unknown): string {
  if (!(error instanceof RequestError)) return reasonOf(error);
  if (error.status === 401) return t("signIn.bad");
  if (error.status === 429) return t("signIn.many", { wait: t.wait(error.retryAfter ?? waitS) });
  if (error.status === 0) return t("signIn.unreachable");
  return error.status >= 500 ? t("signIn.trouble") : error.message;
}
