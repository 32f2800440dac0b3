//! A whole installation on this machine: PostgreSQL, Redis, the emulated providers, several nodes behind a load balancer and a
//! responder, each a process, with a link of ours between any two.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::control::Providers;
use super::link::{Ends, Link};
use super::model;
use super::postgres::{Postgres, Room};
use super::program::{Program, Recipe, free_port, output};
use super::redis::{self, Redis};
use super::wrong_clock::WrongClock;
use crate::api::Api;
use crate::clock::unix_ms;

const READY_WITHIN: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const HEALTH_EVERY: Duration = Duration::from_millis(300);
const HEALTH_WITHIN: Duration = Duration::from_millis(900);
/// The channels of a shop, each with the setting that has its provider's address.
const PROVIDERS: &[(&str, &str)] = &[("telegram", "api_base"), ("waha", "base_url")];
const FIRST_BOT: u64 = 7_000_000_001;
pub(crate) const PASSWORD: &str = "a lantern for every window";
/// Channels whose customers do not wait long, and leases that a pause outlives.
pub(crate) const ANSWERED: &[&str] = &[
    "quiet_ms=150",
    "max_wait_ms=900",
    "lease_ms=3000",
    "nobody_ms=15000",
    "human_pace=false",
    "max_attempts=10",
    "greeting_grace_ms=0",
];
/// Channels that nobody answers.
pub(crate) const SILENT: &[&str] = &["ai=false"];

#[derive(clap::Args, Clone)]
pub(crate) struct Parts {
    /// The server's binary; by default the one beside this program.
    #[arg(long)]
    hubbub: Option<PathBuf>,
    /// The emulated providers (`cargo build -p emulators --example driven`); by default those beside this program.
    #[arg(long)]
    providers: Option<PathBuf>,
    #[arg(long, default_value_t = 2)]
    pub(crate) nodes: usize,
    /// No Redis, although it is installed: nodes learn from the log alone what the others did.
    #[arg(long)]
    pub(crate) without_redis: bool,
    /// The setting of the server that names the bus.
    #[arg(long, default_value = "HUBBUB_BUS_URL", hide = true)]
    bus_variable: String,
    /// A setting for all nodes, as NAME=VALUE of the environment; may be repeated.
    #[arg(long = "env", value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Where data and logs go; by default a temporary folder, which is kept when something failed.
    #[arg(long)]
    pub(crate) folder: Option<PathBuf>,
}

impl Parts {
    /// The given folder, or a new one.
    pub(crate) fn place(&self) -> Result<PathBuf> {
        let folder = self.folder.clone().unwrap_or_else(|| {
            std::env::temp_dir().join(format!("loadtest-cluster-{}-{}", std::process::id(), unix_ms()))
        });
        std::fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        Ok(folder)
    }

    /// Removes what [`Self::place`] made.
    pub(crate) fn leave(&self, folder: &Path) {
        if self.folder.is_none() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }

    fn beside(given: Option<&PathBuf>, name: &str) -> Result<PathBuf> {
        let path = match given {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name(name),
        };
        ensure!(path.is_file(), "{} is not there", path.display());
        Ok(path)
    }
}

pub(crate) struct Node {
    pub(crate) program: Mutex<Program>,
    /// The load balancer's way to it, its way to PostgreSQL, and to Redis.
    pub(crate) front: Link,
    pub(crate) store: Link,
    pub(crate) bus: Option<Link>,
    pub(crate) clock: Option<Mutex<WrongClock>>,
    port: u16,
}

impl Node {
    /// Past all links.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

pub(crate) struct World {
    pub(crate) folder: PathBuf,
    pub(crate) postgres: Mutex<Postgres>,
    pub(crate) redis: Option<Mutex<Redis>>,
    pub(crate) providers: Arc<Providers>,
    /// The nodes' ways to each provider.
    pub(crate) provider_links: Vec<(&'static str, Link)>,
    pub(crate) nodes: Vec<Node>,
    balancer: Link,
    pub(crate) responder: Mutex<Program>,
    pub(crate) tenant: String,
    setup: Setup,
    http: reqwest::Client,
}

/// One of several tenants, with providers of its own.
pub(crate) struct Shop {
    pub(crate) tenant: String,
    pub(crate) providers: Arc<Providers>,
    /// Of its owner.
    email: String,
}

/// How the nodes reach PostgreSQL and Redis.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ways {
    /// Over links that can be cut and slowed, with clocks that can be wrong. Whatever passes costs this program's CPU, and
    /// the time to wake it.
    Links,
    Straight,
}

impl World {
    /// `settings`: of each channel.
    pub(crate) async fn start(parts: &Parts, folder: &Path, settings: &[&str], ways: Ways) -> Result<Self> {
        let hubbub = Parts::beside(parts.hubbub.as_ref(), "hubbub")?;
        let driven = Parts::beside(parts.providers.as_ref(), "examples/driven")?;
        std::fs::create_dir_all(folder.join("data"))?;
        let room = if ways == Ways::Links { Room::Little } else { Room::Usual };
        let postgres = Postgres::start(folder, room).await?;
        let redis = match redis::server().filter(|_| !parts.without_redis) {
            Some(server) => Some(Redis::start(&server, folder).await?),
            None => None,
        };
        let providers = Providers::start(&driven, FIRST_BOT, &folder.join("providers.log")).await?;

        let ports = (0..parts.nodes.max(1)).map(|_| free_port()).collect::<Result<Vec<_>>>()?;
        let mut fronts = Vec::new();
        for port in &ports {
            fronts.push(Link::open(Ends::new([format!("127.0.0.1:{port}")])).await?);
        }
        let ends = Ends::new(fronts.iter().map(Link::address));
        let balancer = Link::open(Arc::clone(&ends)).await?;
        let public = format!("http://{}", balancer.address());
        let base = |name: &str, log: &str| {
            Recipe::new(&hubbub, &[name], &folder.join(log))
                .with("HUBBUB_DATA_DIR", folder.join("data").display().to_string())
                .with("HUBBUB_PUBLIC_URL", public.clone())
                .with("HUBBUB_ALLOW_PRIVATE_HOSTS", "127.0.0.1")
                .with("HUBBUB_PROVIDER_TIMEOUT_MS", "2000")
                .with("HUBBUB_RATE_PER_CALLER", "0")
                .with("HUBBUB_RATE_PER_TENANT", "0")
                // The standby of this tool is a synchronous one.
                .with("HUBBUB_LOSSLESS_FAILOVER", "true")
        };
        let operator = base("admin", "admin.log").with("HUBBUB_DATABASE_URL", postgres.url());
        let setup = Setup { operator, driven };
        let (provider_links, tenant, key) = setup.shop("", PROVIDERS, &providers, settings).await?;

        let mut nodes = Vec::new();
        for (index, (port, front)) in ports.into_iter().zip(fronts).enumerate() {
            let store = Link::open(Ends::new(postgres.addresses())).await?;
            let bus = match &redis {
                Some(redis) => Some(Link::open(Ends::new([redis.address()])).await?),
                None => None,
            };
            let mut recipe = base("serve", &format!("node-{index}.log"))
                .with("HUBBUB_LISTEN", format!("127.0.0.1:{port}"))
                .with(
                    "HUBBUB_DATABASE_URL",
                    match ways {
                        Ways::Links => format!("postgres://hub@{}/hub", store.address()),
                        Ways::Straight => postgres.url(),
                    },
                );
            if let (Some(bus), Some(redis)) = (&bus, &redis) {
                let address = if ways == Ways::Links { bus.address() } else { redis.address() };
                recipe = recipe.with(&parts.bus_variable, format!("redis://{address}"));
            }
            for pair in &parts.env {
                let (name, value) = pair.split_once('=').context("--env is NAME=VALUE")?;
                recipe = recipe.with(name, value);
            }
            let clock = match ways {
                Ways::Links => WrongClock::new(folder, &format!("node-{index}.clock"))?,
                Ways::Straight => None,
            };
            if let Some(clock) = &clock {
                recipe = clock.given_to(recipe);
            }
            let program = Mutex::new(Program::start(recipe)?);
            nodes.push(Node { program, front, store, bus, clock: clock.map(Mutex::new), port });
        }
        let model = model::serve().await?;
        let mut recipe = base("responder", "responder.log").with("HUBBUB_API_KEY", key);
        recipe.args.extend(["--url".to_owned(), format!("ws://{}/connection/websocket", balancer.address())]);
        recipe.args.extend(["--openai-url".to_owned(), model, "--model".to_owned(), "m".to_owned()]);
        let http =
            reqwest::Client::builder().no_proxy().timeout(HEALTH_WITHIN).pool_max_idle_per_host(0).build()?;
        let world = Self {
            folder: folder.to_owned(),
            postgres: Mutex::new(postgres),
            redis: redis.map(Mutex::new),
            providers: Arc::new(providers),
            provider_links,
            nodes,
            balancer,
            responder: Mutex::new(Program::start(recipe)?),
            tenant,
            setup,
            http,
        };
        world.watch_health(&ends);
        world.until_ready().await?;
        world.setup.connect(&world.url(), &world.tenant).await?;
        Ok(world)
    }

    /// The tenant that is there, and others with a Telegram bot each until there are so many; the links reach the first one's
    /// providers only.
    pub(crate) async fn shops(&self, tenants: usize, settings: &[&str]) -> Result<Vec<Shop>> {
        let first = Shop {
            tenant: self.tenant.clone(),
            providers: Arc::clone(&self.providers),
            email: email("owner", ""),
        };
        let mut shops = vec![first];
        for number in 1..tenants {
            let suffix = format!("-{number}");
            let log = self.folder.join(format!("providers{suffix}.log"));
            let providers =
                Arc::new(Providers::start(&self.setup.driven, FIRST_BOT + number as u64, &log).await?);
            let (_, tenant, _) = self.setup.shop(&suffix, &PROVIDERS[..1], &providers, settings).await?;
            self.setup.connect(&self.url(), &tenant).await?;
            shops.push(Shop { tenant, providers, email: email("owner", &suffix) });
        }
        Ok(shops)
    }

    /// Signed in as the owner of a shop.
    pub(crate) async fn owner(&self, base: &str, shop: &Shop) -> Result<Arc<Api>> {
        let login = Some((shop.email.clone(), PASSWORD.to_owned()));
        Ok(Arc::new(Api::sign_in_at(base, login, None).await?))
    }

    /// The load balancer's address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.balancer.address())
    }

    pub(crate) fn socket_url(&self) -> String {
        format!("ws://{}/connection/websocket", self.balancer.address())
    }

    /// Of PostgreSQL, past all links.
    pub(crate) async fn database(&self) -> String {
        self.postgres.lock().await.url()
    }

    /// Signed in as one of the shop's people: `owner`, `anna` or `ben`.
    pub(crate) async fn person(&self, base: &str, name: &str) -> Result<Arc<Api>> {
        let login = Some((email(name, ""), PASSWORD.to_owned()));
        Ok(Arc::new(Api::sign_in_at(base, login, None).await?))
    }

    fn watch_health(&self, ends: &Arc<Ends>) {
        for (index, node) in self.nodes.iter().enumerate() {
            let (ends, http) = (Arc::clone(ends), self.http.clone());
            let base = format!("http://{}", node.front.address());
            tokio::spawn(async move {
                loop {
                    ends.set_healthy(index, Api::ready(&http, &base).await);
                    tokio::time::sleep(HEALTH_EVERY).await;
                }
            });
        }
    }

    /// Starts every node that has ended, and waits until all are ready.
    pub(crate) async fn until_ready(&self) -> Result<()> {
        for node in &self.nodes {
            self.until_node(node, READY_WITHIN).await?;
        }
        Ok(())
    }

    pub(crate) async fn until_node(&self, node: &Node, within: Duration) -> Result<()> {
        let deadline = Instant::now() + within;
        while !Api::ready(&self.http, &node.url()).await {
            let mut program = node.program.lock().await;
            if !program.runs()? {
                program.start_again()?;
            }
            drop(program);
            ensure!(Instant::now() < deadline, "the node at {} was not ready within {within:?}", node.url());
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    /// Whether the node says that it is ready, and whether it says that it is not.
    pub(crate) async fn readiness(&self, node: &Node) -> Option<bool> {
        let answer = self.http.get(format!("{}/health/ready", node.url())).send().await.ok()?;
        Some(answer.status().is_success())
    }
}

fn email(name: &str, suffix: &str) -> String {
    format!("{name}{suffix}@example.com")
}

struct Setup {
    operator: Recipe,
    /// The emulated providers' program.
    driven: PathBuf,
}

impl Setup {
    async fn admin(&self, input: &str, args: &[&str]) -> Result<Value> {
        let mut recipe = self.operator.clone();
        recipe.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        recipe.args.push("--json".to_owned());
        let text = output(&mut recipe.command(), input).await.with_context(|| args.join(" "))?;
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn id(&self, input: &str, args: &[&str]) -> Result<String> {
        let made = self.admin(input, args).await?;
        Ok(made["id"].as_str().with_context(|| args.join(" "))?.to_owned())
    }

    /// The links to its providers, its id, and a key for its responder. The suffix tells its people from those of others.
    async fn shop(
        &self,
        suffix: &str,
        kinds: &[(&'static str, &str)],
        providers: &Providers,
        settings: &[&str],
    ) -> Result<(Vec<(&'static str, Link)>, String, String)> {
        let tenant = self.id("", &["tenant", "create", "--name", "Lantern Shop"]).await?;
        let company = ["company", "create", "--tenant", &tenant, "--name", "Lanterns", "--kind", "product"];
        let company = self.id("", &company).await?;
        for (name, role) in [("owner", "owner"), ("anna", "agent"), ("ben", "agent")] {
            let email = email(name, suffix);
            let user = [
                "user",
                "create",
                "--email",
                &email,
                "--name",
                name,
                "--password-stdin",
                "--tenant",
                &tenant,
                "--role",
                role,
            ];
            self.admin(PASSWORD, &user).await?;
        }
        let mut links = Vec::new();
        let mut given = providers.settings().await?;
        for (kind, address) in kinds.iter().copied() {
            let mut credentials = given.remove(kind).context("a provider without settings")?;
            let base = credentials.get_mut(address).context("a provider without an address")?;
            let link = Link::open(Ends::new([base.trim_start_matches("http://").to_owned()])).await?;
            *base = format!("http://{}", link.address());
            links.push((kind, link));
            let lines: Vec<String> =
                credentials.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut args = vec![
                "channel",
                "create",
                "--tenant",
                &tenant,
                "--company",
                &company,
                "--kind",
                kind,
                "--name",
                kind,
                "--credentials-stdin",
            ];
            args.extend(settings.iter().flat_map(|setting| ["--setting", *setting]));
            self.id(&lines.join("\n"), &args).await?;
        }
        let key = self.admin("", &["key", "create", "--tenant", &tenant, "--name", "Worker"]).await?;
        let key = key["key"].as_str().context("no key")?.to_owned();
        Ok((links, tenant, key))
    }

    /// Tells the providers where the webhooks are.
    async fn connect(&self, public: &str, tenant: &str) -> Result<()> {
        let channels = self.admin("", &["channel", "list", "--tenant", tenant]).await?;
        let list =
            channels.as_array().or_else(|| channels["channels"].as_array()).context("no channels")?.clone();
        for channel in list {
            let id = channel["id"].as_str().context("a channel without an id")?;
            self.admin("", &["channel", "connect", "--id", id, "--public-url", public]).await?;
        }
        Ok(())
    }
}
