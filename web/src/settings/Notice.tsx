// The privacy notice of a company: its texts by language, as customers will read them. Each save is a new version, which
// everybody is told again.
import { useCallback, useState } from "react";
import { usePick, useText } from "../hooks/app";
import { can } from "../state/select";
import type { CompanyView, PrivacyNotice } from "../api.gen";
import { Button } from "../ui/Button";
import { SelectField, TextArea } from "../ui/Field";
import { useCalls, useData } from "./data";
import { EditForm, FormEnd, useForm } from "./form";
import { languageName, languagesToAdd, noticeProblems } from "./notice_texts";
import { DataView, Freshness, PageHead } from "./Parts";

export function NoticePage({ company }: { company: CompanyView }) {
  const t = useText();
  const calls = useCalls();
  const data = useData(useCallback(() => calls.notice(company.id), [calls, company.id]));
  return (
    <>
      <PageHead title={t("notice.of", { company: company.name })} hint={t("notice.hint")}><Freshness data={data} /></PageHead>
      <DataView data={data}>{(notice) => <NoticeForm company={company} notice={notice} keep={(next) => data.change(() => next)} />}</DataView>
    </>
  );
}

function NoticeForm({ company, notice, keep }: { company: CompanyView; notice: PrivacyNotice; keep: (notice: PrivacyNotice) => void }) {
  const t = useText();
  const calls = useCalls();
  const mayChange = usePick((state) => can(state, company.tenant, "company.set_notice"));
  const [added, setAdded] = useState<string | null>(null);
  const form = useForm<Pick<PrivacyNotice, "language" | "texts">>(`notice.${company.id}`, { language: notice.language || t.language, texts: notice.texts }, {
    fields: ["language", "texts"],
    check: ({ texts }) => noticeProblems(t, texts),
    async save(_, { language, texts }) {
      const spare = Object.keys(texts)[0] ?? language;
      keep(await calls.setNotice(company.id, { language: Object.hasOwn(texts, language) ? language : spare, texts }));
    },
  });
  const { texts, language } = form.values;
  const all = Object.keys(texts);
  const fallback = Object.hasOwn(texts, language) ? language : (all[0] ?? "");
  const { version, created_at } = notice;
  const state = version === 0 ? "notice.never" : Object.keys(notice.texts).length === 0 ? "notice.off" : "notice.version";
  return (
    <EditForm form={form} data-testid="notice-form">
      <p className="form-hint" data-testid="notice-version">{t(state, { version: String(version), time: t.full(created_at) })}</p>
      <fieldset disabled={!mayChange}>
        <legend>{t("notice.title")}</legend>
        {all.map((one) => {
          const name = languageName(t, one);
          return (
            <div key={one} className="notice-text">
              <TextArea label={t("notice.text", { language: name })} name={`texts.${one}`} required rows={5} dir="auto" lang={one} value={texts[one] ?? ""}
                autoFocus={one === added} data-testid={`notice-${one}`} onChange={(event) => form.set("texts", { ...texts, [one]: event.target.value })} />
              {mayChange && (
                <Button small data-testid={`notice-remove-${one}`} onClick={() => form.set("texts", Object.fromEntries(Object.entries(texts).filter(([other]) => other !== one)))}>
                  {t("notice.remove", { language: name })}
                </Button>
              )}
            </div>
          );
        })}
        {mayChange && (
          <SelectField label={t(all.length === 0 ? "notice.first" : "notice.add")} value="" data-testid="notice-add"
            choices={[{ value: "", label: t("notice.choose") }, ...languagesToAdd(all).map((one) => ({ value: one, label: languageName(t, one) }))]}
            onChange={(event) => {
              const one = event.target.value;
              if (one === "") return;
              setAdded(one);
              form.set("texts", { ...texts, [one]: "" });
            }} />
        )}
        {all.length > 1 && (
          <SelectField label={t("notice.language")} name="language" required hint={t("notice.languageHint")} value={fallback}
            choices={all.map((one) => ({ value: one, label: languageName(t, one) }))} onChange={(event) => form.set("language", event.target.value)} />
        )}
      </fieldset>
      {all.some((one) => texts[one]?.trim()) && (
        <section className="notice-preview" aria-label={t("notice.preview")}>
          <h2>{t("notice.preview")}</h2>
          {all.filter((one) => texts[one]?.trim()).map((one) => <p key={one} className="notice-bubble" lang={one} dir="auto">{texts[one]!.trim()}</p>)}
        </section>
      )}
      {mayChange && <><p className="form-hint">{t("notice.saveHint")}</p><FormEnd form={form} words={t("notice.save")} /></>}
    </EditForm>
  );
}
