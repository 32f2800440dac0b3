//! The commands as an operator types them, on a SQLite file of their own.

use clap::Parser as _;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::accounts::Scope;
use crate::accounts::tenants::{CreateTenant, ListCompanies, ListTenants};
use crate::accounts::users::ListUsers;
use crate::channels::settings::ListChannels;

#[derive(clap::Parser)]
struct Line {
    #[command(subcommand)]
    admin: Admin,
}

struct DataDir(TempDir);

impl DataDir {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn config(&self) -> Config {
        Config::embedded(&self.0.path().join("data"))
    }

    async fn run(&self, line: &[&str]) -> anyhow::Result<()> {
        Line::try_parse_from([&["admin"], line].concat())?.admin.run(self.config()).await
    }

    async fn ok(&self, line: &[&str]) {
        self.run(line).await.unwrap_or_else(|error| panic!("{line:?}: {error:#}"));
    }

    async fn refused(&self, line: &[&str]) -> String {
        format!("{:#}", self.run(line).await.expect_err("refused"))
    }

    async fn context(&self) -> Context {
        Context::open(self.config(), false).await.expect("it is there")
    }

    /// Two tenants, each with a company of the same name.
    async fn shops(&self) -> [Uuid; 2] {
        for shop in ["Lantern Shop", "Rope Shop"] {
            self.ok(&["tenant", "create", "--name", shop]).await;
            self.ok(&["company", "create", "--tenant", shop, "--name", "Main"]).await;
        }
        let all = self.context().await.store.read(ListTenants { after: None, limit: 9 }).await;
        let ids: Vec<Uuid> = all.expect("tenants").iter().map(|tenant| tenant.id).collect();
        ids.try_into().expect("two")
    }
}

const BOT: [&str; 4] = ["--kind", "telegram", "--credential", "token=1:a"];

#[tokio::test]
async fn a_name_does_where_an_id_does() {
    let data = DataDir::new();
    let [lanterns, _] = data.shops().await;
    let id = lanterns.to_string();
    data.ok(&["company", "list", "--tenant", &id]).await;
    data.ok(&["company", "create", "--tenant", " LANTERN shop", "--name", "Workshop"]).await;
    // The company's name identifies the tenant if no other company has it.
    let create = ["channel", "create", "--name", "Bot", "--company", "workshop"];
    data.ok(&[&create[..], &BOT].concat()).await;
    data.ok(&["channel", "update", "--id", "bot", "--name", "Shop bot"]).await;
    data.ok(&["channel", "update", "--channel", "SHOP BOT", "--state", "disabled"]).await;
    data.ok(&["key", "create", "--tenant", "lantern shop", "--name", "worker"]).await;
    data.ok(&["key", "revoke", "--id", "Worker"]).await;
    assert!(data.refused(&["key", "revoke", "--id", "worker"]).await.contains("no API key"));
    let user = ["user", "create", "--email", "ann@example.com", "--name", "Ann"];
    data.ok(&[&user[..], &["--tenant", "Lantern Shop", "--role", "agent"]].concat()).await;
    let grant = ["user", "grant", "--email", "Ann@Example.com", "--tenant", "lantern shop"];
    data.ok(&[&grant[..], &["--role", "agent", "--company", "workshop", "--company", "main"]].concat()).await;
    data.ok(&["user", "create", "--email", "bea@example.com", "--name", "ann@example.com"]).await;
    data.ok(&["user", "disable", "--email", "ann@example.com"]).await;
    data.ok(&["user", "enable", "--user", "ann"]).await;
    data.ok(&["user", "disable", "--user", "ann"]).await;

    let admin = data.context().await;
    let ann = admin.store.read(ListUsers { after: None, limit: 9 }).await.expect("users").remove(0);
    assert!(!ann.active);
    data.ok(&["user", "enable", "--user", &ann.id.to_string()]).await;
    let scope = Scope::system(lanterns);
    let companies = admin.store.read(ListCompanies(vec![scope.clone()])).await.expect("companies");
    let mine: Vec<&str> = companies.iter().map(|company| company.name.as_str()).collect();
    assert_eq!(mine, ["Main", "Workshop"]);
    let channels = ListChannels { scopes: vec![scope], managed: vec![] };
    let channels = admin.store.read(channels).await.expect("channels");
    assert_eq!((channels[0].name.as_str(), channels[0].company), ("Shop bot", companies[1].id));
}

#[tokio::test]
async fn a_name_of_several_and_one_of_nobody_are_refused_with_the_candidates() {
    let data = DataDir::new();
    let [lanterns, ropes] = data.shops().await;
    let create = [&["channel", "create", "--name", "Bot", "--company", "MAIN"][..], &BOT].concat();
    let error = data.refused(&create).await;
    assert!(error.starts_with("--company: 2 companies are called \"MAIN\""), "{error}");
    assert!(error.contains(&lanterns.to_string()) && error.contains(&ropes.to_string()), "{error}");
    data.ok(&[&create[..], &["--tenant", "rope shop"]].concat()).await;

    let error = data.refused(&["company", "list", "--tenant", "rope"]).await;
    assert!(error.contains(&format!("\n  {ropes}  Rope Shop")) && !error.contains("Lantern"), "{error}");
    let error = data.refused(&["company", "list", "--tenant", "candles"]).await;
    assert!(error.contains("Rope Shop") && error.contains("Lantern Shop"), "{error}");
    let error = data.refused(&["channel", "update", "--id", &Uuid::nil().to_string()]).await;
    assert!(error.starts_with("--id: there is no channel with the id"), "{error}");
    let error = data.refused(&["channel", "update", "--id", "bot", "--tenant", "lantern shop"]).await;
    assert!(error.contains("there is no channel yet"), "{error}");
    let error = data.refused(&["user", "disable", "--email", "ann@example.com"]).await;
    assert!(error.starts_with("--email: "), "{error}");
}

#[tokio::test]
async fn names_are_found_on_every_page_and_at_most_ten_are_listed() {
    let data = DataDir::new();
    data.ok(&["tenant", "create", "--name", "Last"]).await;
    let admin = data.context().await;
    let mut last = Uuid::nil();
    for count in 0..22 {
        let name = format!("Shop {count}");
        last = admin.store.write(CreateTenant { name }).await.expect("a tenant").value.id;
    }
    assert_eq!(admin.tenant("--tenant", "shop 21").await.expect("found"), last);
    let error = format!("{:#}", admin.tenant("--tenant", "shop").await.expect_err("nobody's"));
    assert_eq!(error.matches("\n  ").count(), 11, "{error}");
    assert!(error.ends_with("and 12 more"), "{error}");
    // One of the first page and one of the last.
    admin.store.write(CreateTenant { name: "last".into() }).await.expect("a tenant");
    let error = format!("{:#}", admin.tenant("--tenant", "Last").await.expect_err("two"));
    assert!(error.contains("2 tenants are called"), "{error}");
}

#[tokio::test]
async fn only_the_first_command_makes_an_installation() {
    let data = DataDir::new();
    for line in [&["tenant", "list"][..], &["user", "list"], &["feed", "begin-anew"]] {
        let error = data.refused(line).await;
        let file = data.0.path().join("data").join("hubbub.db");
        assert!(error.contains(&file.display().to_string()) && error.contains("HUBBUB_DATA_DIR"), "{error}");
        assert!(!data.0.path().join("data").exists(), "{line:?} made something");
    }
    data.ok(&["tenant", "create", "--name", "A shop"]).await;
    data.ok(&["tenant", "list"]).await;
}

#[tokio::test]
async fn a_lost_key_is_not_made_anew_over_what_it_sealed() {
    let data = DataDir::new();
    data.shops().await;
    let create = ["channel", "create", "--name", "Bot", "--tenant", "rope shop", "--company", "main"];
    data.ok(&[&create[..], &BOT].concat()).await;
    let key = data.config().secrets.master_key_file;
    std::fs::rename(&key, data.0.path().join("away")).expect("moved");
    for line in [&["tenant", "list"][..], &["tenant", "create", "--name", "Another"]] {
        let error = data.refused(line).await;
        assert!(error.contains(&format!("the key file {} is missing", key.display())), "{error}");
    }
    let error = crate::app::App::start(data.config(), Clock::System).await.err().expect("refused");
    assert!(format!("{error:#}").contains("hubbub.key is missing"), "{error:#}");
    assert!(!key.exists());
    std::fs::rename(data.0.path().join("away"), &key).expect("back");
    data.ok(&["tenant", "list"]).await;
}
