//! What is in `deploy/` fits the server: it is whole, its settings are settings of ours, its metrics exist, and whoever stops
//! a server waits for as long as it drains.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use hubbub::config::{Config, DEFAULTS, load};
use hubbub::doctor::CHECKS;
use hubbub::work::sends;
use serde::Deserialize as _;
use serde_yaml_ng::Value;

use crate::operator::{Running, serve};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(file: &str) -> String {
    let path = Path::new(ROOT).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents of a YAML file.
fn yaml(file: &str) -> Vec<Value> {
    let text = read(file);
    let document = |document| Value::deserialize(document).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_yaml_ng::Deserializer::from_str(&text).map(document).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        other => panic!("neither a text nor a number: {other:?}"),
    }
}

/// What the operator has to give, as somebody may give it.
fn given(text: &str) -> String {
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    text.replace("${POSTGRES_PASSWORD:?}", "secret")
        .replace("${HUBBUB_MASTER_KEY:?}", key)
        .replace("${HUBBUB_METRICS_TOKEN:?}", "0123456789abcdef0123456789abcdef")
        .replace("${HUBBUB_PUBLIC_URL:?}", "https://hub.example.com")
}

fn loaded(what: &str, file: &str, env: &[(String, String)]) -> Config {
    let env: BTreeMap<_, _> = env.iter().cloned().collect();
    load(file, &env).unwrap_or_else(|error| panic!("{what}: {error:#}"))
}

fn map(value: &Value) -> Vec<(String, String)> {
    let entries = value.as_mapping().expect("a map");
    entries.iter().map(|(name, value)| (text(name), given(&text(value)))).collect()
}

/// The image's own settings.
fn of_image() -> Vec<(String, String)> {
    let dockerfile = read("deploy/Dockerfile");
    let words = dockerfile.split_whitespace().filter_map(|word| word.split_once('='));
    let ours = words.filter(|(name, _)| name.starts_with("HUBBUB_"));
    ours.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[test]
fn settings_are_settings_of_the_server() {
    let image = of_image();
    assert_eq!(loaded("the image", "", &image).server.listen.port(), 8080);

    let compose = yaml("deploy/compose/compose.yaml").remove(0);
    for server in ["hubbub-1", "hubbub-2"] {
        let mut env = image.clone();
        env.extend(map(&compose["services"][server]["environment"]));
        let config = loaded(server, "", &env);
        assert!(config.store.database_url.starts_with("postgres://hubbub:secret@database/"), "{server}");
        assert!(config.warnings().is_empty(), "{:?}", config.warnings());
        let nginx = read("deploy/compose/nginx.conf");
        assert!(nginx.contains(&format!("server {server}:{}", config.server.listen.port())), "{server}");
    }

    let unit = read("deploy/systemd/hubbub.service");
    let env = unit.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('='));
    let env: Vec<_> = env.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let config = loaded("the unit", &read("deploy/systemd/hubbub.toml"), &env);
    assert_eq!(config.store.data_dir, PathBuf::from("/var/lib/hubbub"));
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());

    let manifests = yaml("deploy/kubernetes/hubbub.yaml");
    let mut env = image;
    env.extend(map(&kind(&manifests, "ConfigMap")["data"]));
    let secret = "deploy/kubernetes/hubbub.yaml";
    for word in read(secret).split_whitespace().filter_map(|word| word.strip_prefix("--from-literal=")) {
        let (name, _) = word.split_once('=').expect("a value");
        let value = match name {
            "HUBBUB_MASTER_KEY" => given("${HUBBUB_MASTER_KEY:?}"),
            "HUBBUB_DATABASE_URL" => "postgres://hubbub:secret@database/hubbub".to_owned(),
            _ => "secret".to_owned(),
        };
        env.push((name.to_owned(), value));
    }
    let config = loaded("the manifests", "", &env);
    assert_eq!((config.server.listen.port(), config.files.file_library.as_str()), (8080, "s3"));
    assert!(config.warnings().is_empty(), "{:?}", config.warnings());
    assert_eq!(config.metrics_listen().expect("valid").expect("an address").port(), 9090);
}

fn kind<'a>(manifests: &'a [Value], kind: &str) -> &'a Value {
    manifests.iter().find(|one| one["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

/// The longest that a stop takes, in seconds: `shutdown_grace_ms`, or as long as a send that has begun, and what `App::stop`
/// waits after it.
fn drain() -> u64 {
    let defaults = loaded("the defaults", DEFAULTS, &[]);
    let call = Duration::from_millis(defaults.calls.provider_timeout_ms);
    let grace = (defaults.server.shutdown_grace_ms / 1_000).max(sends::longest(call).as_secs());
    let app = read("src/app.rs");
    let wait = |name: &str| {
        let (_, after) =
            app.split_once(&format!("const {name}: Duration = Duration::from_secs(")).expect(name);
        after.split(')').next().and_then(|number| number.parse::<u64>().ok()).expect(name)
    };
    // The runtime itself has a second.
    grace + wait("DROP_WAIT") + wait("CLOSE_WAIT") + 1
}

#[test]
fn whoever_stops_a_server_waits_until_it_has_drained() {
    let drain = drain();
    let seconds = |text: &str| text.trim_end_matches('s').parse::<u64>().unwrap_or_else(|_| panic!("{text}"));
    let compose = yaml("deploy/compose/compose.yaml").remove(0);
    assert!(seconds(&text(&compose["services"]["hubbub-1"]["stop_grace_period"])) > drain);
    let unit = read("deploy/systemd/hubbub.service");
    let stop = unit.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")).expect("a time");
    assert!(seconds(stop) > drain);

    let manifests = yaml("deploy/kubernetes/hubbub.yaml");
    let pod = &kind(&manifests, "Deployment")["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    let pause = &container["lifecycle"]["preStop"]["exec"]["command"];
    assert_eq!(pause[0], "sleep");
    let pause = seconds(&text(&pause[1]));
    assert!(seconds(&text(&pod["terminationGracePeriodSeconds"])) > pause + drain);
    // Until then nothing is sent to it any more.
    let ready = &container["readinessProbe"];
    assert_eq!(
        (&ready["httpGet"]["path"], &ready["httpGet"]["port"]),
        (&"/health/serving".into(), &"http".into())
    );
    assert_eq!(container["livenessProbe"]["httpGet"]["path"], "/health/live");
    let docs = read("deploy/README.md");
    assert!(
        docs.contains(&format!("wait for {drain} s at least")),
        "deploy/README.md says another time than {drain} s"
    );
}

/// The words of a query that name metrics.
fn metrics_of(query: &str) -> BTreeSet<String> {
    let words = query.split(|sign: char| !(sign.is_ascii_alphanumeric() || sign == '_'));
    let ours = words.filter(|word| word.starts_with("hubbub_") || word.starts_with("process_"));
    ours.map(str::to_owned).collect()
}

/// The whole program.
fn sources() -> String {
    fn visit(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                visit(&path, text);
            } else if path.extension().is_some_and(|end| end == "rs") {
                text.push_str(&std::fs::read_to_string(&path).expect("a source"));
            }
        }
    }
    let mut text = String::new();
    visit(&Path::new(ROOT).join("src"), &mut text);
    text
}

fn must_exist(what: &str, query: &str, sources: &str) -> BTreeSet<String> {
    let used = metrics_of(query);
    for name in &used {
        let plain = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
        let is_there = |name: &str| sources.contains(&format!("\"{name}\""));
        let exists = is_there(name) || plain.is_some_and(is_there);
        assert!(exists, "{what} asks for {name}, which /metrics does not have");
    }
    used
}

#[test]
fn metrics_of_alerts_and_dashboard_exist() {
    let sources = sources();
    let alerts = yaml("deploy/prometheus/alerts.yml").remove(0);
    let mut names = BTreeSet::new();
    for rule in alerts["groups"][0]["rules"].as_sequence().expect("rules") {
        let name = text(&rule["alert"]);
        let used = must_exist(&name, &text(&rule["expr"]), &sources);
        assert!(!used.is_empty() || text(&rule["expr"]).starts_with("up"), "{name}");
        for key in ["summary", "todo"] {
            assert!(!text(&rule["annotations"][key]).is_empty(), "{name}");
        }
        assert!(names.insert(name.clone()), "{name} twice");
    }

    let dashboard: serde_json::Value =
        serde_json::from_str(&read("deploy/grafana/hubbub.json")).expect("JSON");
    let (mut shown, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for panel in dashboard["panels"].as_array().expect("panels") {
        let title = panel["title"].as_str().expect("a title");
        assert!(ids.insert(panel["id"].as_u64()), "{title}: its id is another's");
        for target in panel["targets"].as_array().into_iter().flatten() {
            shown.extend(must_exist(title, target["expr"].as_str().expect("a query"), &sources));
        }
    }
    // Whatever is measured of turns and messages is shown.
    for name in ["hubbub_webhooks_total", "hubbub_sends_total", "hubbub_turns_offered_total"] {
        assert!(shown.contains(name), "{name}");
    }
}

/// Of a counter that begins with its first event, nobody sees it rise.
#[tokio::test]
async fn counters_that_alerts_wait_for_are_there_from_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = serve(folder.path());
    command.env("HUBBUB_METRICS_TOKEN", "0123456789abcdef");
    let mut server = Running::start(command);
    let said = server.says("hubbub listens on ");
    let address =
        said.split("http://").nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap_or(&said);
    let request = crate::kit::http().get(format!("http://{address}/metrics")).bearer_auth("0123456789abcdef");
    let figures = request.send().await.expect("an answer").text().await.expect("figures");
    let alerts = yaml("deploy/prometheus/alerts.yml").remove(0);
    let mut waited_for = BTreeSet::new();
    for rule in alerts["groups"][0]["rules"].as_sequence().expect("rules") {
        let query = text(&rule["expr"]);
        if query.contains("> 0") {
            let names = query.split("increase(").skip(1);
            waited_for.extend(names.filter_map(|rest| Some(rest.split(['[', '{']).next()?.to_owned())));
        }
    }
    assert!(waited_for.len() > 3, "{waited_for:?}");
    for name in waited_for {
        let is_there = |line: &str| line.starts_with(&name) && line.ends_with(" 0");
        assert!(figures.lines().any(is_there), "{name}");
    }
}

#[test]
fn the_image_runs_what_exists() {
    let dockerfile = read("deploy/Dockerfile");
    let copied = dockerfile.lines().filter(|line| line.starts_with("COPY web/"));
    for file in copied.flat_map(str::split_whitespace).filter(|word| word.starts_with("web/pack")) {
        assert!(Path::new(ROOT).join(file).exists(), "{file}");
    }
    let cargo = read("Cargo.toml");
    let version =
        cargo.split("rust-version = \"").nth(1).and_then(|rest| rest.split('"').next()).expect("it");
    assert!(dockerfile.contains(&format!("FROM rust:{version}-")), "the image is built by Rust {version}");
    assert!(cargo.contains("[profile.dist]") && dockerfile.contains("--profile dist"));
    let check = dockerfile.split("\"--only\", \"").nth(1).and_then(|rest| rest.split('"').next());
    assert!(check.is_some_and(|check| CHECKS.iter().any(|(name, _)| *name == check)), "{check:?}");
    let last = dockerfile.rfind("FROM ").expect("a stage");
    let user = dockerfile.rfind("\nUSER ").expect("a user");
    assert!(user > last && !dockerfile[user..].contains("USER root"));
}
