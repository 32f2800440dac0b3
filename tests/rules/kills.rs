//! The privacy notice while the server is killed and started again: one to each contact on each channel, before the first
//! answer. `HUBBUB_TEST_CONTACTS` is how many write to each of the six providers.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hubbub::error::Error;
use hubbub::model::ChannelSettings;
use hubbub::store::{Arg, Engine, Tx, Verb};
use responder::{Brain, Responder, Rules};
use serde_json::json;
use uuid::Uuid;

use crate::kit::{Api, PASSWORD, PATIENCE, World, quick};
use crate::on_both;
use crate::outage::shop::{KINDS, Shop};

const NOTICE: &str = "We keep what you write for a year.";
const CONTACTS: usize = 8;
const KILLS: usize = 4;
/// Nothing was sent for so long: what is left waits for a person. On PostgreSQL another node could be at work on what the killed
/// one had claimed, so it is taken over when the claims are over.
const fn quiet(engine: Engine) -> Duration {
    match engine {
        Engine::Sqlite => Duration::from_secs(12),
        Engine::Postgres => Duration::from_secs(75),
    }
}

/// The server as a process of its own, which can be killed, on the data and at the address of one that was stopped.
struct Server {
    folder: PathBuf,
    database: String,
    address: SocketAddr,
    child: Option<Child>,
}

impl Server {
    fn start(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hubbub"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("HUBBUB_") {
                command.env_remove(name);
            }
        }
        let address = self.address.to_string();
        let url = format!("http://{address}");
        let log = std::fs::File::options().create(true).append(true).open(self.folder.join("server.log"));
        command.arg("serve").stdout(Stdio::piped()).stderr(log.expect("a log")).envs([
            ("HUBBUB_DATA_DIR", self.folder.to_str().expect("a path")),
            ("HUBBUB_DATABASE_URL", &self.database),
            ("HUBBUB_LISTEN", &address),
            ("HUBBUB_PUBLIC_URL", &url),
            ("HUBBUB_ALLOW_PRIVATE_HOSTS", "127.0.0.1"),
            ("HUBBUB_RATE_PER_CALLER", "0"),
            ("HUBBUB_RATE_PER_TENANT", "0"),
            // All providers and the test itself are one address here.
            ("HUBBUB_MAX_UNFINISHED_PER_ADDRESS", "10000"),
        ]);
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("its output"));
        output.read_line(&mut line).expect("a line");
        self.child = Some(child);
        let log = || std::fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
        assert!(line.contains("listens on"), "{line}{}", log());
    }

    /// Not asked to stop: killed.
    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("it is killed");
            child.wait().expect("its end");
        }
    }

    fn stop(&mut self) {
        let mut child = self.child.take().expect("it runs");
        let id = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw).expect("an id");
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("told");
        assert!(child.wait().expect("its end").success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The texts of a tenant's messages, with their authors and statuses, by conversation in their order; and the receipts.
struct Told(Uuid);

type Line = (Uuid, String, String, String);

impl Verb for Told {
    type Out = (Vec<Line>, i64);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Out, Error> {
        let lines = "select conversation, author_kind, status, coalesce(text, '') from messages where tenant = $1 \
            order by conversation, seq";
        let receipts = "select count(*) from notice_receipts where tenant = $1";
        let tenant = [Arg::from(self.0)];
        let count = tx.one::<(i64,)>(receipts, &tenant).await?.map_or(0, |(count,)| count);
        Ok((tx.all(lines, &tenant).await?, count))
    }
}

/// Waits until so many messages have reached the providers, or none for a while.
async fn reaches(shop: &Shop, amount: usize, quiet: Duration) {
    let mut last = (shop.amount(), Instant::now());
    // To look copies all that was sent.
    let pause = Duration::from_millis(20 + amount as u64 / 50);
    while last.0 < amount && last.1.elapsed() < quiet {
        tokio::time::sleep(pause).await;
        let now = shop.amount();
        if now > last.0 {
            last = (now, Instant::now());
        }
    }
}

fn hello(kind: &str, customer: usize) -> String {
    format!("Hello of {kind} number {customer}.")
}

/// A person answers whom the AI did not: the server was killed under it too often.
async fn looked_after(shop: &mut Shop, address: SocketAddr, contacts: usize) {
    let heard = shop.heard(contacts);
    let is_answered = |texts: &Vec<String>| texts.iter().any(|text| !text.contains(NOTICE));
    let unanswered: Vec<_> = heard.into_iter().filter(|(_, texts)| !is_answered(texts)).collect();
    if unanswered.is_empty() {
        return;
    }
    let api = Api::sign_in(address, "agent@example.com", PASSWORD).await;
    let mut open = BTreeMap::new();
    for ((kind, customer), _) in &unanswered {
        open.insert(hello(kind, *customer), (*kind, *customer));
    }
    let (mut before, mut found) = (String::new(), BTreeSet::new());
    loop {
        let (status, page) = api.get(&format!("/api/v1/inbox?limit=200{before}")).await;
        assert_eq!(status, 200, "{page}");
        for one in page["conversations"].as_array().expect("conversations") {
            let id = one["id"].as_str().expect("an id");
            let text = one["last_message"]["text"].as_str().unwrap_or_default();
            let Some((hello, who)) = open.iter().find(|(hello, _)| text.contains(hello.as_str())) else {
                continue;
            };
            found.insert(*who);
            let answer = json!({ "client_id": hello, "text": "A person answers." });
            let (status, sent) = api.post(&format!("/api/v1/conversations/{id}/messages"), &answer).await;
            assert!(status < 300, "{sent}");
        }
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => break,
        }
    }
    // Whom nothing has reached asks again; so does everybody whose message the provider gave up to deliver.
    for (text, (kind, customer)) in open.iter().filter(|(_, who)| !found.contains(*who)) {
        shop.says(kind, *customer, text);
    }
}

on_both!(everybody_is_told_once_though_the_server_is_killed, |engine| async move {
    let contacts = std::env::var("HUBBUB_TEST_CONTACTS").ok().and_then(|text| text.parse().ok());
    let engine: Engine = engine;
    if contacts.is_none() && engine == Engine::Postgres {
        eprintln!("skipped: on PostgreSQL by hand, with HUBBUB_TEST_CONTACTS");
        return;
    }
    let contacts: usize = contacts.unwrap_or(CONTACTS);
    let settings = ChannelSettings { lease_ms: 10_000, max_attempts: 20, ..quick() };
    let mut shop = Shop::with(engine, settings).await;
    let owner = shop.world.api("owner@example.com").await;
    let path = format!("/api/v1/companies/{}/privacy-notice", shop.world.bot.company);
    let (status, notice) = owner.post(&path, &json!({ "language": "en", "texts": { "en": NOTICE } })).await;
    assert_eq!(status, 200, "{notice}");
    let scope = shop.world.scope();
    let key = shop.world.app.accounts.create_key(&scope, "Worker", hubbub::accounts::Role::Responder);
    let key = key.await.expect("a key").key;
    shop.world.app.stop().await;
    let address = shop.world.address;
    let (folder, database) = (shop.world.folder().to_owned(), shop.world.database.clone());
    let mut server = Server { folder, database, address, child: None };
    server.start();
    let rules = Rules { pace: Duration::ZERO, ..Rules::default() };
    let worker = Responder::start(&format!("ws://{address}/connection/websocket"), &key, Brain::Rules(rules));
    tokio::time::timeout(PATIENCE, worker.connected()).await.expect("in time").expect("connected");
    let begun = Instant::now();
    let wanted = 2 * contacts * KINDS.len();
    // Some write before each kill and after the last one, and it dies in the middle of answering.
    let mut written = 0;
    for kill in 1..=KILLS + 1 {
        let until = contacts * kill / (KILLS + 1);
        for customer in written..until {
            for kind in KINDS {
                shop.begins(kind, customer, &hello(kind, customer));
            }
        }
        written = until;
        if kill <= KILLS {
            reaches(&shop, wanted * (2 * kill - 1) / (2 * KILLS + 2), quiet(engine)).await;
            server.kill();
            server.start();
        }
    }
    reaches(&shop, wanted, quiet(engine)).await;
    looked_after(&mut shop, address, contacts).await;
    reaches(&shop, wanted, quiet(engine)).await;
    worker.stop().await.expect("the worker ends");
    server.stop();

    let heard = shop.heard(contacts);
    let world = shop.world.restart().await;
    check(&world, &heard, contacts).await;
    println!("{} contacts, {KILLS} kills, {:?}", heard.len(), begun.elapsed());
    world.finish().await;
});

async fn check(world: &World, heard: &BTreeMap<(&str, usize), Vec<String>>, contacts: usize) {
    let (lines, receipts) = world.app.store.read(Told(world.tenant)).await.expect("messages");
    let mut stored: BTreeMap<Uuid, Vec<Line>> = BTreeMap::new();
    for line in lines {
        stored.entry(line.0).or_default().push(line);
    }
    let stored: Vec<Vec<Line>> = stored.into_values().collect();
    let mut unknown = 0;
    for ((kind, customer), texts) in heard {
        let hello = hello(kind, *customer);
        let has_hello = |lines: &&Vec<Line>| lines.iter().any(|(_, _, _, text)| text.contains(&hello));
        let theirs: Vec<_> = stored.iter().filter(has_hello).collect();
        let [lines] = theirs.as_slice() else { panic!("{} conversations of {hello}", theirs.len()) };
        // As it is kept: one notice, and every answer after it.
        let ours: Vec<_> = lines.iter().filter(|(_, author, ..)| author != "customer").collect();
        let notices = ours.iter().filter(|(_, _, _, text)| text == NOTICE).count();
        assert!(ours.len() > 1 && notices == 1 && ours[0].3 == NOTICE, "{hello} {lines:?}");
        // As it came: of a send that the kill cut nobody knows, and it is not repeated.
        let came = texts.iter().filter(|text| text.contains(NOTICE)).count();
        if came == 0 {
            assert_eq!(ours[0].2, "unknown", "{hello} {texts:?} {lines:?}");
            unknown += 1;
        } else {
            assert!(came == 1 && texts[0].contains(NOTICE), "{hello} {texts:?} {lines:?}");
        }
        let answers = texts.len() - came;
        assert!(answers > 0 || ours[1].2 == "unknown", "{hello} {texts:?} {lines:?}");
    }
    assert_eq!(receipts, i64::try_from(contacts * KINDS.len()).expect("a number"));
    println!("{receipts} receipts; {unknown} notices were cut by a kill");
    assert!(unknown <= KILLS * 40, "{unknown} notices did not come");
}
