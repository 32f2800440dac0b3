//! A history has one database: its copies, however they were made, neither write there nor read, and are told so.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use hubbub::app::{App, AppState};
use hubbub::clock::Clock;
use hubbub::config::Config;
use hubbub::doctor::{Level, examine};
use hubbub::error::Error;
use hubbub::history::{End, History, Wanted, take_over};
use hubbub::store::backup::{backup, restore};
use hubbub::store::copy::{Copying, copy};
use hubbub::store::events::BeginAnew;
use hubbub::store::history_term::{LoadClaim, Prepare};
use hubbub::store::{Effects, Engine, Publisher, Store, StoreConfig};
use serde_json::{Value, json};
use uuid::Uuid;

use super::outage::{caught_up, until};
use super::server::MongoServer;
use crate::kit::{World, http, postgres};
use crate::on_both;

const METRICS_TOKEN: &str = "0123456789abcdef";
const CHAT: i64 = 5_550_001;

struct Nobody;

impl Publisher for Nobody {
    fn publish(&self, _: Effects) {}
}

async fn opened(database: &str) -> Store {
    let config = StoreConfig::new(database.to_owned(), 4);
    Store::open(&config, Clock::System, Arc::new(Nobody)).await.expect("a store")
}

/// The history as a server on this database would have it.
async fn of(world: &World, store: &Store) -> History {
    History::open(&world.app.config.history, store).await.expect("an address")
}

fn driver(history: &History) -> &mongo::History {
    match history {
        History::Mongo(mongo) => mongo.inner(),
        History::Store(_) => panic!("it is the store"),
    }
}

async fn look(history: &History) -> Result<(), Error> {
    match history {
        History::Mongo(mongo) => mongo.owner().look().await,
        History::Store(_) => panic!("it is the store"),
    }
}

/// Looks after which a copy of before is behind, also if another node looks in between.
async fn go_on(history: &History) {
    for _ in 0..3 {
        look(history).await.expect("it is its own");
    }
}

/// As many looks as make every copy of before an old one.
async fn age(history: &History) {
    for _ in 0..mongo::KEPT + 4 {
        look(history).await.expect("it is its own");
    }
}

/// A copy of the world's database as it is now.
async fn copied(world: &World, engine: Engine, folder: &Path) -> String {
    let (from, file) = (world.database.clone(), folder.join("copy.db"));
    let made = tokio::task::spawn_blocking(move || match engine {
        Engine::Sqlite => {
            backup(Path::new(&from), &file, &mut |_, _| {}).expect("copied");
            file.display().to_string()
        }
        Engine::Postgres => {
            postgres::dump_to(&from, &file);
            let restored = postgres::database();
            postgres::restore_dump(&file, &restored);
            restored
        }
    });
    made.await.expect("copied")
}

async fn with_history(engine: Engine, server: &MongoServer) -> World {
    let history = server.config();
    World::configured(engine, |all| {
        all.history = history.clone();
        all.metrics.token = METRICS_TOKEN.into();
    })
    .await
}

/// A server with the same settings on another database.
async fn serve(world: &World, database: &str) -> (AppState, SocketAddr) {
    let mut config: Config = (*world.app.config).clone();
    config.store.database_url = database.to_owned();
    config.bus.url = String::new();
    let listener = hubbub::http::serve::listen(config.server.listen).await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let app = App::start(config, Clock::System).await.expect("the app starts");
    hubbub::server::start(listener, app.clone());
    (app, address)
}

/// A customer writes, to one of the servers.
async fn says(world: &World, address: SocketAddr, number: i64, text: &str) {
    let request = http().post(format!("http://{address}/hooks/{}", world.bot.hook_token));
    let request = request.header("X-Telegram-Bot-Api-Secret-Token", world.secret(&world.bot));
    let answer = request.json(&World::update(number, CHAT, number, text)).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

async fn wanted(world: &World) -> Wanted {
    let row = world.api("owner@example.com").await.inbox().await.remove(0);
    let conversation = row["id"].as_str().expect("an id").parse().expect("an id");
    let (tenant, after, before, end, limit) = (world.tenant, 0, i64::MAX, End::Oldest, 100);
    Wanted { tenant, conversation, after, before, end, limit }
}

async fn texts(history: &History, wanted: Wanted) -> Result<Vec<String>, Error> {
    let page = history.page(wanted).await?;
    Ok(page.messages.into_iter().filter_map(|message| message.text).collect())
}

/// Why a history is not let in.
fn refusal(of: &Result<Vec<String>, Error>) -> String {
    match of {
        Err(error @ Error::Away { code: "history_away", .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

async fn degraded(address: SocketAddr) -> Value {
    let answer = http().get(format!("http://{address}/health/ready")).send().await.expect("an answer");
    assert_eq!(answer.status(), 200, "the server works all the same");
    answer.json::<Value>().await.expect("JSON")["degraded"].clone()
}

async fn figures(address: SocketAddr) -> String {
    let request = http().get(format!("http://{address}/metrics")).bearer_auth(METRICS_TOKEN);
    request.send().await.expect("an answer").text().await.expect("numbers")
}

// Two servers, one on a copy of the other's database, and a customer who writes to both.
on_both!(a_copy_of_an_installation_leaves_the_history_of_its_original_alone, |engine| async move {
    let Some(server) = MongoServer::shared() else { return };
    let world = with_history(engine, server).await;
    says(&world, world.address, 1, "one").await;
    caught_up(&world.app.store, world.tenant).await;
    let folder = tempfile::tempdir().expect("a folder");
    let database = copied(&world, engine, folder.path()).await;
    // As the documentation says of a restored database: another feed.
    let store = opened(&database).await;
    store.write(BeginAnew).await.expect("another epoch");
    store.close().await;
    go_on(&world.app.history).await;

    let (copy, address) = serve(&world, &database).await;
    until("the copy to be kept out", async || !copy.history.is_owned()).await;
    says(&world, address, 2, "STAGING").await;
    says(&world, world.address, 2, "PROD").await;
    caught_up(&world.app.store, world.tenant).await;
    let wanted = wanted(&world).await;
    assert_eq!(texts(&world.app.history, wanted).await.expect("a page"), ["one", "PROD"]);
    let stored = world.app.store.read(wanted).await.expect("a page");
    assert_eq!(world.app.history.page(wanted).await.expect("a page"), stored);
    let why = refusal(&texts(&copy.history, wanted).await);
    assert!(why.contains("another copy of this installation's database"), "{why}");
    assert!(copy.history.fill(world.tenant, Uuid::max()).await.is_err());
    assert!(copy.history.keep_for(world.tenant, Some(1)).await.is_err());
    assert!(copy.history.hold().await.is_err(), "nothing leaves its store");

    assert_eq!(degraded(address).await, json!(["history", "history_owner"]));
    assert_eq!(degraded(world.address).await, json!([]));
    let only = ["history".to_owned()];
    let found = examine(&copy.config, &Clock::System, &only).await;
    assert!(found[0].level == Level::Fail && found[0].what.contains("name another database"), "{found:?}");
    let found = examine(&world.app.config, &Clock::System, &only).await;
    assert_eq!(found[0].level, Level::Ok, "{found:?}");
    copy.stop().await;
    world.finish().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_metrics_say_whose_it_is() {
    hubbub::telemetry::start_metrics();
    let Some(server) = MongoServer::shared() else { return };
    let world = with_history(Engine::Sqlite, server).await;
    // The figures are those of the process, which other tests write as well.
    until("the figure", async || figures(world.address).await.contains("hubbub_history_owned 1\n")).await;
    world.finish().await;
}

on_both!(a_restored_backup_goes_on_with_the_history_when_it_is_told_to, |engine| async move {
    let Some(server) = MongoServer::shared() else { return };
    let world = with_history(engine, server).await;
    says(&world, world.address, 1, "one").await;
    caught_up(&world.app.store, world.tenant).await;
    let folder = tempfile::tempdir().expect("a folder");
    let database = copied(&world, engine, folder.path()).await;
    says(&world, world.address, 2, "lost").await;
    caught_up(&world.app.store, world.tenant).await;
    let wanted = wanted(&world).await;
    age(&world.app.history).await;

    let store = opened(&database).await;
    store.write(BeginAnew).await.expect("another epoch");
    let config = &world.app.config.history;
    let why = refusal(&texts(&of(&world, &store).await, wanted).await);
    assert!(why.contains("hubbub admin history take-over"), "{why}");
    let in_use = take_over(config, &store, false).await.expect_err("refused").to_string();
    assert!(in_use.contains("is in use"), "{in_use}");
    assert!(of(&world, &store).await.hold().await.is_err());
    let said = take_over(&world.app.config.history, &world.app.store, false).await.expect("said");
    assert!(said.contains("already"), "{said}");
    for app in world.apps() {
        app.stop().await;
    }

    let taken = take_over(config, &store, true).await.expect("taken over");
    assert!(taken.contains("is this installation's now"), "{taken}");
    store.close().await;
    let (restored, address) = serve(&world, &database).await;
    says(&world, address, 2, "instead").await;
    caught_up(&restored.store, world.tenant).await;
    assert!(restored.history.is_owned());
    assert_eq!(texts(&restored.history, wanted).await.expect("a page"), ["one", "instead"]);
    // The one of before is a copy now.
    let former = opened(&world.database).await;
    let why = refusal(&texts(&of(&world, &former).await, wanted).await);
    assert!(why.contains("another copy"), "{why}");
    former.close().await;
    restored.stop().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_in_the_place_of_the_database_goes_on_with_the_history() {
    let Some(server) = MongoServer::shared() else { return };
    let world = with_history(Engine::Sqlite, server).await;
    let folder = tempfile::tempdir().expect("a folder");
    look(&world.app.history).await.expect("it is its own");
    let database = copied(&world, Engine::Sqlite, folder.path()).await;
    age(&world.app.history).await;
    world.app.stop().await;
    let kept_out = opened(&database).await;
    assert!(of(&world, &kept_out).await.hold().await.is_err());
    kept_out.close().await;
    restore(Path::new(&database), Path::new(&world.database), &Clock::System, &mut |_, _| {})
        .expect("restored");
    let store = opened(&world.database).await;
    of(&world, &store).await.hold().await.expect("it is its own");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installation_that_moves_to_postgres_keeps_its_history() {
    let Some(server) = MongoServer::shared() else { return };
    let world = with_history(Engine::Sqlite, server).await;
    look(&world.app.history).await.expect("it is its own");
    world.app.stop().await;
    let to = postgres::database();
    let done = copy(Path::new(&world.database), &to, &Copying::default(), &Clock::System, &mut |_| {}).await;
    done.expect("copied");
    let (moved, former) = (opened(&to).await, opened(&world.database).await);
    let history = of(&world, &moved).await;
    age(&history).await;
    assert!(of(&world, &former).await.hold().await.is_err(), "nothing is started on it again");
    for store in [moved, former] {
        store.close().await;
    }
}

/// A standby that lacks the last commits is behind the history. It takes half a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_goes_on_once_nobody_else_does() {
    let Some(server) = MongoServer::shared() else { return };
    let world = with_history(Engine::Postgres, server).await;
    let folder = tempfile::tempdir().expect("a folder");
    look(&world.app.history).await.expect("it is its own");
    let standby = opened(&copied(&world, Engine::Postgres, folder.path()).await).await;
    go_on(&world.app.history).await;
    let history = of(&world, &standby).await;
    let why = history.hold().await.expect_err("the other one goes on").to_string();
    assert!(why.contains("goes on by itself"), "{why}");
    let driver = driver(&history);
    let term = async || driver.owner().await.expect("an answer").expect("an owner").term;
    // As long as the other makes terms: two of them later.
    for _ in 0..2 {
        let before = term().await;
        until("a term", async || term().await != before).await;
        assert!(history.hold().await.is_err());
    }
    for app in world.apps() {
        app.stop().await;
    }
    until("the standby to go on", async || history.hold().await.is_ok()).await;
    let former = opened(&world.database).await;
    assert!(of(&world, &former).await.hold().await.is_err());
    for store in [standby, former] {
        store.close().await;
    }
}

on_both!(servers_of_one_database_do_not_keep_each_other_out, |engine| async move {
    let Some(server) = MongoServer::shared() else { return };
    let world = World::start(engine).await;
    let (store, config) = (world.app.store.clone(), server.config());
    let mut nodes = Vec::new();
    for _ in 0..4 {
        nodes.push(History::open(&config, &store).await.expect("an address"));
    }
    // All start at once, and go on at different speeds.
    let busy = nodes.iter().enumerate().map(|(at, node)| async move {
        for _ in 0..20 {
            look(node).await.expect("it is its own");
            tokio::time::sleep(Duration::from_millis(3 * at as u64)).await;
        }
    });
    join_all(busy).await;
    let owner = driver(&nodes[0]).owner().await.expect("an answer").expect("an owner");
    let (claim, epoch) = store.read(LoadClaim).await.expect("a claim");
    assert_eq!((owner.installation, owner.epoch), (claim.identity.expect("it has one"), epoch));
    world.finish().await;
});

on_both!(a_server_that_ends_between_two_writes_keeps_its_history, |engine| async move {
    let Some(server) = MongoServer::shared() else { return };
    let world = World::start(engine).await;
    let (store, config) = (world.app.store.clone(), server.config());
    let open = async || History::open(&config, &store).await.expect("an address");
    let prepare = async |term: &str| {
        let prepare = Prepare { over: None, term: term.to_owned() };
        store.write(prepare).await.expect("prepared").value
    };
    // Before the history is anybody's.
    assert_eq!(prepare("first").await.next.as_deref(), Some("first"));
    open().await.hold().await.expect("it is its own");
    let owner = driver(&open().await).owner().await.expect("an answer").expect("an owner");
    assert_eq!(owner.term, "first");
    // Before the next term is there.
    assert_eq!(prepare("second").await.term.as_deref(), Some("first"));
    assert_eq!(prepare("another").await.next.as_deref(), Some("second"), "one of two nodes prepares it");
    open().await.hold().await.expect("it is its own");
    // Before it is known to be there.
    let owner = driver(&open().await).owner().await.expect("an answer").expect("an owner");
    assert_eq!(owner.term, "second");
    prepare("third").await;
    let third = mongo::Owner { term: "third".to_owned(), before: owner.terms(), ..owner };
    assert!(driver(&open().await).hand_on(Some("second"), &third).await.expect("written"));
    assert!(!driver(&open().await).hand_on(Some("second"), &third).await.expect("an answer"), "once");
    assert!(!driver(&open().await).hand_on(None, &third).await.expect("an answer"), "it is somebody's");
    open().await.hold().await.expect("it is its own");
    let (claim, _) = store.read(LoadClaim).await.expect("a claim");
    assert_eq!((claim.term.as_deref(), claim.next), (Some("third"), None));
    world.finish().await;
});

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_installation_has_another_database() {
    let Some(server) = MongoServer::shared() else { return };
    let (one, other) = (World::start(Engine::Sqlite).await, World::start(Engine::Sqlite).await);
    let config = server.config();
    let first = History::open(&config, &one.app.store).await.expect("an address");
    first.hold().await.expect("nobody's before");
    let second = History::open(&config, &other.app.store).await.expect("an address");
    let why = second.hold().await.expect_err("it is the other one's").to_string();
    assert!(why.contains("belongs to the installation"), "{why}");
    assert!(!why.contains("another copy"), "{why}");
    one.finish().await;
    other.finish().await;
}
