// The person: who it is, what it may do in which business, and this session.
import { useApp, usePick, useText } from "../hooks/app";
import { PageHead } from "./Parts";

export function ProfilePage() {
  const t = useText();
  const app = useApp();
  const { user, tenants } = usePick((state) => state.session);
  return (
    <>
      <PageHead title={t("page.profile")} hint={t("page.profileHint")} />
      <div className="card">
        <dl className="facts">
          <div><dt>{t("profile.name")}</dt><dd dir="auto">{user?.name}</dd></div>
          <div><dt>{t("profile.email")}</dt><dd>{user?.email}</dd></div>
          {user?.platform_role && <div><dt>{t("profile.platform")}</dt><dd>{t(`role.${user.platform_role}`)}</dd></div>}
        </dl>
        <p className="card-note">{t("profile.change")}</p>
      </div>
      <h2 className="page-part">{t("profile.businesses")}</h2>
      {tenants.length === 0 ? <p className="card-note">{t("profile.noBusiness")}</p> : (
        <ul className="rows" data-testid="my-businesses">
          {tenants.map(({ id, name, role, permissions }) => (
            <li key={id} className="rows-line">
              <strong dir="auto">{name}</strong>
              <span className="tag">{t(`role.${role}`)}</span>
              <span className="rows-more">{permissions.map((one) => t(`permission.${one}`)).join(", ")}</span>
            </li>
          ))}
        </ul>
      )}
      <h2 className="page-part">{t("profile.session")}</h2>
      <div className="card">
        <p className="card-note">{t("profile.sessionHint")}</p>
        <button type="button" onClick={() => void app.signOut()}>{t("menu.signOut")}</button>
      </div>
    </>
  );
}
