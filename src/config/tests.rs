//! Which configurations are read, which are refused, and which origin a refusal names.

use super::*;

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn refused(file: &str, pairs: &[(&str, &str)]) -> String {
    format!("{:#}", load(file, &env(pairs)).expect_err("refused"))
}

#[test]
fn defaults_are_complete_and_quiet() {
    let config = load("", &env(&[])).expect("the defaults");
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.store.database_url, "./data/hubbub.db");
    assert_eq!(config.server.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.limits.max_body_bytes, 4 * 1024 * 1024);
    assert!(config.warnings().is_empty());
    assert_eq!(Config::embedded(Path::new("/x")).secrets.master_key_file, Path::new("/x/hubbub.key"));
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let file = "server.listen = \"127.0.0.1:1\"\ncalls.media_max_bytes = 5\n";
    let pairs = [("HUBBUB_LISTEN", "127.0.0.1:2"), ("HUBBUB_ALLOW_PRIVATE_HOSTS", "waha, 10.0.0.5")];
    let config = load(file, &env(&pairs)).expect("merged");
    assert_eq!(config.server.listen.port(), 2);
    assert_eq!(config.calls.media_max_bytes, 5);
    assert_eq!(config.calls.allow_private_hosts, ["waha", "10.0.0.5"]);
    assert_eq!(config.calls.media_timeout_ms, 30_000);
}

#[test]
fn what_is_wrong_is_refused_by_its_name() {
    assert!(refused("listne = 1", &[]).contains("listne"));
    assert!(refused("", &[("HUBBUB_LISTNE", "x")]).contains("HUBBUB_LISTNE"));
    assert!(load("", &env(&[("HUBBUB_CONFIG", "x"), ("HUBBUB_TEST_X", "x"), ("LISTNE", "x")])).is_ok());
    assert!(refused("server.listen = 1", &[]).contains("listen"));
    assert!(refused("", &[("HUBBUB_MAX_BODY_BYTES", "lots")]).contains("HUBBUB_MAX_BODY_BYTES"));
    assert!(refused("", &[("HUBBUB_MASTER_KEY", "c2hvcnQ=")]).contains("32 bytes"));
    assert!(refused("", &[("HUBBUB_PUBLIC_URL", "hub.example.com")]).contains("no scheme"));
    assert!(refused("", &[("HUBBUB_PUBLIC_URL", "https://hub.example.com/a//b")]).contains("plain names"));
    assert!(refused("sessions.refresh_token_ttl_s = 60", &[]).contains("refresh_token_ttl_s"));
    assert!(refused("sessions.session_max_s = 900", &[]).contains("session_max_s"));
    assert!(load("sessions.session_max_s = 901", &env(&[])).is_ok(), "it cuts what is longer");
    for token in ["short", "long enough, but spaces", "0123456789abcdef\n", "ünreadable-in-a-header"] {
        assert!(refused("", &[("HUBBUB_METRICS_TOKEN", token)]).contains("METRICS_TOKEN"), "{token:?}");
    }
    assert!(refused("", &[("HUBBUB_LOG_FORMAT", "xml")]).contains("HUBBUB_LOG_FORMAT"));
}

/// Each setting that holds an origin is stored in canonical form, and an invalid one is refused by its name.
#[test]
fn origins_are_parsed_and_kept_in_one_spelling() {
    let pairs = [
        ("HUBBUB_PUBLIC_URL", "HTTPS://BÜCHER.example:443/"),
        ("HUBBUB_ALLOWED_ORIGINS", "https://Shop.example.com/, http://shop.example.com:80"),
    ];
    let config = load("", &env(&pairs)).expect("valid");
    assert_eq!(config.server.public_url, "https://xn--bcher-kva.example");
    assert_eq!(config.server.allowed_origins, ["https://shop.example.com", "http://shop.example.com"]);
    for wrong in [
        "https://hub.example.com//x",
        "https://hub.example.com?x",
        "https://ann:hush@hub.example.com",
        "https://ann:hush/hush@hub.example.com",
        "https://*.example.com",
        "ftp://hub.example.com",
        "https://",
        "*",
    ] {
        for key in ["PUBLIC_URL", "ALLOWED_ORIGINS"] {
            let error = refused("", &[(&format!("HUBBUB_{key}"), wrong)]);
            assert!(
                error.starts_with(&format!("HUBBUB_{key}: ")) && error.contains("write https://host"),
                "{error}"
            );
            assert!(!error.contains("hush"), "{error}");
        }
    }
}

#[test]
fn private_hosts_are_called_only_when_allowed() {
    let config = load("calls.allow_private_hosts = [\"waha\", \"10.0.0.5\"]", &env(&[])).expect("valid");
    let may_call = |host: &str| {
        let url = format!("http://{host}/").parse().expect("an address");
        config.outward().judge(&url).is_ok()
    };
    for host in ["waha", "WAHA", "10.0.0.5", "waha.example.com", "8.8.8.8"] {
        assert!(may_call(host), "{host}");
    }
    for host in ["localhost", "127.0.0.1", "10.0.0.6", "[::1]", "[::ffff:10.0.0.6]", "db.internal", "redis"] {
        assert!(!may_call(host), "{host}");
    }
    for wrong in ["waha:3000", "http://waha", "a b"] {
        let text = format!("calls.allow_private_hosts = [{wrong:?}]");
        assert!(refused(&text, &[]).contains("allow_private_hosts"), "{wrong}");
    }
}

#[test]
fn a_history_that_loses_messages_is_refused() {
    let with = |more: &str| format!("history.url = \"mongodb://ann:hush@history/\"\n{more}");
    assert!(load(&with("history.store_days = 30"), &env(&[])).is_ok());
    assert!(load(&with("history.store_days = 30\nhistory.days = 31"), &env(&[])).is_ok());
    for (file, key) in [
        (with("history.store_days = 29"), "history.store_days"),
        (with("history.store_days = 40\nhistory.days = 40"), "history.days"),
        (with("history.days = -1"), "history.days"),
        (with("history.database = \"a.b\""), "history.database"),
        ("history.url = \"redis://history\"".to_owned(), "history.url"),
        ("history.store_days = 40".to_owned(), "history.url"),
    ] {
        let why = refused(&file, &[]);
        assert!(why.contains(key) && !why.contains("hush"), "{why}");
    }
    let config = load("", &env(&[("HUBBUB_HISTORY_URL", "mongodb://history")])).expect("valid");
    assert_eq!(
        (config.history.url.as_str(), config.history.database.as_str()),
        ("mongodb://history", "hubbub")
    );
}

#[test]
fn a_replica_is_of_postgresql_only() {
    let url = "postgres://ann:hush@standby/hub";
    let error = refused("", &[("HUBBUB_REPLICA_URL", url)]);
    assert!(error.starts_with("HUBBUB_REPLICA_URL: ") && error.contains("store.database_url"), "{error}");
    assert!(
        error.contains("SQLite") && error.contains("leave it empty") && !error.contains("hush"),
        "{error}"
    );
    let pairs = [("HUBBUB_DATABASE_URL", "postgres://primary/hub"), ("HUBBUB_REPLICA_URL", url)];
    let config = load("", &env(&pairs)).expect("valid");
    assert_eq!((config.store.replica_url.as_str(), config.store.replica_lag_ms), (url, 200));
    assert!(!format!("{config:?}").contains("hush"));
}

/// Taken for a file, an address would give it its password as a name.
#[test]
fn an_address_that_is_not_read_is_no_sqlite_file() {
    for url in [
        "host=127.0.0.1 user=hub password=hush dbname=hub",
        "postgres:/hub:hush@127.0.0.1/hub",
        "Postgres://hub:hush@127.0.0.1/hub",
        "mysql://hub:hush@127.0.0.1/hub",
        "hub:hush@127.0.0.1/hub",
    ] {
        let why = refused("", &[("HUBBUB_DATABASE_URL", url)]);
        assert!(why.starts_with("HUBBUB_DATABASE_URL: must be postgres://"), "{why}");
        assert!(!why.contains("hush"), "{why}");
    }
    for url in ["hub.db", "./with=sign.db", "/srv/hub.db", "sqlite:hub.db", "postgresql://hub@db/hub"] {
        assert!(load("", &env(&[("HUBBUB_DATABASE_URL", url)])).is_ok(), "{url}");
    }
    // The folder's name is the operator's, with whatever is in it.
    assert!(load("", &env(&[("HUBBUB_DATA_DIR", "shop=one/data:1")])).is_ok());
}

#[test]
fn risky_settings_are_warned_about() {
    let open = load("server.listen = \"0.0.0.0:80\"", &env(&[])).expect("it works");
    assert!(open.warnings()[0].contains("0.0.0.0:80"));
    let proxied = "server.listen = \"0.0.0.0:80\"\nserver.public_url = \"https://hub.example.com/\"";
    let bare = load(proxied, &env(&[])).expect("it works");
    assert_eq!(bare.server.public_url, "https://hub.example.com");
    assert!(bare.warnings()[0].contains("trusted_proxies"), "wherever it listens: {:?}", bare.warnings());
    let with =
        |proxies| load(proxied, &env(&[("HUBBUB_TRUSTED_PROXIES", proxies)])).expect("it works").warnings();
    assert!(with("10.0.0.0/8, fd00::1").is_empty());
    assert!(with("10.0.0.1, 0.0.0.0/0")[0].contains("every address"));
}

#[test]
fn variables_of_services_in_the_same_network_do_not_stop_the_start() {
    let links = [
        ("HUBBUB_PORT", "tcp://10.0.0.1:80"),
        ("HUBBUB_SERVICE_HOST", "10.0.0.1"),
        ("HUBBUB_SERVICE_PORT_HTTP", "80"),
        ("HUBBUB_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("HUBBUB_NAME", "/web/hubbub"),
        ("HUBBUB_ENV_PATH", "/bin"),
        ("HUBBUB_REDIS_PORT", "tcp://10.0.0.2:6379"),
        ("HUBBUB_REDIS_PORT_6379_TCP_ADDR", "10.0.0.2"),
    ];
    let config = load("", &env(&links)).expect("they are not ours");
    assert_eq!(config.server.listen.port(), 8080);
    assert!(refused("", &[links[0], ("HUBBUB_LISTNE", "x")]).contains("HUBBUB_LISTNE"));
    assert!(refused("", &[("HUBBUB_PORT", "8080")]).contains("HUBBUB_PORT"));
}

/// Every refusal, by type or by a check, names the origin of the value.
#[test]
fn a_refused_value_names_the_variable_or_the_file_that_it_came_from() {
    let cases = [
        ("server.listen", "\"nowhere\"", "nowhere"),
        ("server.public_url", "\"hub\"", "hub"),
        ("server.trusted_proxies", "[\"proxy\"]", "proxy"),
        ("server.allowed_origins", "[\"shop\"]", "shop"),
        ("server.socket_compression", "1", "perhaps"),
        ("server.http_idle_timeout_s", "0", "0"),
        ("server.http_proxy_idle_timeout_s", "90000", "-1"),
        ("bus.url", "\"cache:6379\"", "http://cache"),
        ("bus.url", "\"redis://127.0.0.1\"", "redis://127.0.0.1"),
        ("metrics.token", "\"short\"", "short"),
        ("metrics.listen", "\"9090\"", "localhost"),
        ("limits.max_unfinished_bytes", "1048575", "1"),
        ("limits.max_unfinished_per_address", "7", "0"),
        ("limits.rate_per_caller", "-1", "many"),
        ("limits.rate_searches", "-1", "many"),
        ("limits.rate_visits", "-1", "many"),
        ("storage.max_bytes", "-1", "many"),
        ("store.database_connections", "0", "-1"),
        ("store.database_timeout_s", "0", "-1"),
        ("store.replica_url", "\"standby:5432\"", "mysql://standby"),
        ("store.replica_lag_ms", "9", "10001"),
        ("secrets.master_key", "\"short\"", "short"),
        ("secrets.old_master_keys", "[\"short\"]", "short"),
        ("sessions.access_token_ttl_s", "1", "1"),
        ("sessions.refresh_token_ttl_s", "60", "60"),
        ("limits.max_body_bytes", "12", "lots"),
        ("calls.media_max_bytes", "0", "0"),
        ("calls.media_timeout_ms", "-5", "0"),
        ("calls.provider_timeout_ms", "0", "-5"),
        ("server.worker_threads", "5000", "5000"),
        ("server.shutdown_grace_ms", "-1", "-1"),
        ("log.level", "\"a=b=c\"", "a=b=c"),
        ("log.format", "\"xml\"", "xml"),
        ("telemetry.otlp_url", "\"collector:4318\"", "collector"),
        ("telemetry.otlp_url", "\"http://collector/a b\"", "http://"),
        ("telemetry.otlp_url", "\"http://ann:hush@collector:4318\"", "https://ann@collector"),
        ("files.s3_endpoint", "\"http://ann:hush@s3.example.com\"", "https://hush@s3.example.com/"),
        ("files.s3_endpoint", "\"s3.example.com\"", "ftp://s3.example.com"),
        ("files.s3_endpoint", "\"https://s3.example.com/?hush\"", "https://s3.example.com#hush"),
        ("telemetry.sample_one_in", "0", "-1"),
    ];
    for (key, in_file, in_variable) in cases {
        let name = origin::variable(key);
        let error = refused("", &[(&name, in_variable)]);
        assert!(error.starts_with(&format!("{name}: ")), "{error}");
        assert!(!error.contains("hubbub.toml") && !error.contains("hush"), "{error}");
        let error = refused(&format!("{key} = {in_file}"), &[]);
        assert!(error.starts_with(&format!("hubbub.toml: {key}: ")) && !error.contains("hush"), "{error}");
        // A valid value from another origin is not named.
        let error = refused("server.worker_threads = 2", &[(&name, in_variable)]);
        assert!(error.starts_with(&format!("{name}: ")), "{error}");
    }
    let both = refused("sessions.access_token_ttl_s = 7200", &[("HUBBUB_REFRESH_TOKEN_TTL_S", "3600")]);
    assert!(
        both.contains("HUBBUB_REFRESH_TOKEN_TTL_S") && both.contains("hubbub.toml: sessions.access_token"),
        "{both}"
    );
    assert!(refused("server.listen = ", &[]).starts_with("hubbub.toml: "));
    // A key outside of a section is refused with its section.
    assert!(refused("listen = \"127.0.0.1:1\"", &[]).contains("write `listen = …` under [server]"));
    assert!(refused("log = \"debug\"", &[]).contains("write [log]"));
    assert!(refused("metrics_token = \"x\"", &[]).contains("write `token = …` under [metrics]"));
    assert!(refused("[servers]", &[]).contains("the sections are"));
    assert!(refused("[server]\nlistne = 1", &[]).contains("those of [server] are allowed_origins"));
}

#[test]
fn a_named_file_is_named_in_its_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hub.toml");
    std::fs::write(&file, "limits.max_body_bytes = 12").expect("written");
    let error = format!("{:#}", read(Some(&file)).expect_err("refused"));
    assert!(error.starts_with(&format!("{}: limits.max_body_bytes: ", file.display())), "{error}");
}

#[test]
fn the_servers_socket_is_where_the_configuration_says() {
    for (file, url) in [
        ("", "ws://127.0.0.1:8080/connection/websocket"),
        ("server.listen = \"10.0.0.5:80\"", "ws://10.0.0.5/connection/websocket"),
        ("server.listen = \"0.0.0.0:9000\"", "ws://127.0.0.1:9000/connection/websocket"),
        ("server.listen = \"[::]:9000\"", "ws://[::1]:9000/connection/websocket"),
        (
            "server.listen = \"0.0.0.0:80\"\nserver.public_url = \"https://hub.example.com/\"",
            "wss://hub.example.com/connection/websocket",
        ),
        ("server.public_url = \"http://hub.internal:81\"", "ws://hub.internal:81/connection/websocket"),
        ("server.public_url = \"http://hub.internal/chat/\"", "ws://hub.internal/chat/connection/websocket"),
    ] {
        assert_eq!(load(file, &env(&[])).expect("valid").socket_url().expect("known"), url, "{file}");
    }
    let free = load("server.listen = \"127.0.0.1:0\"", &env(&[])).expect("valid").socket_url();
    assert!(free.expect_err("not known").to_string().contains("free port"));
}

/// Names of variables that operators have in their deployments.
#[test]
fn every_key_has_its_variable() {
    let names = [
        "HUBBUB_ACCESS_TOKEN_TTL_S",
        "HUBBUB_ALLOWED_ORIGINS",
        "HUBBUB_ALLOW_PRIVATE_HOSTS",
        "HUBBUB_DATABASE_CONNECTIONS",
        "HUBBUB_DATABASE_URL",
        "HUBBUB_DATA_DIR",
        "HUBBUB_HTTP_IDLE_TIMEOUT_S",
        "HUBBUB_HTTP_PROXY_IDLE_TIMEOUT_S",
        "HUBBUB_LISTEN",
        "HUBBUB_LOG",
        "HUBBUB_LOG_FORMAT",
        "HUBBUB_MASTER_KEY",
        "HUBBUB_MASTER_KEY_FILE",
        "HUBBUB_MAX_BODY_BYTES",
        "HUBBUB_MAX_HOOK_BYTES",
        "HUBBUB_MAX_UNFINISHED_BYTES",
        "HUBBUB_MAX_UNFINISHED_PER_ADDRESS",
        "HUBBUB_MEDIA_MAX_BYTES",
        "HUBBUB_MEDIA_TIMEOUT_MS",
        "HUBBUB_METRICS_LISTEN",
        "HUBBUB_METRICS_TOKEN",
        "HUBBUB_OLD_MASTER_KEYS",
        "HUBBUB_PROVIDER_TIMEOUT_MS",
        "HUBBUB_PUBLIC_URL",
        "HUBBUB_RATE_HOOK_BYTES",
        "HUBBUB_RATE_PER_CALLER",
        "HUBBUB_RATE_PER_TENANT",
        "HUBBUB_REFRESH_TOKEN_TTL_S",
        "HUBBUB_RETENTION_ATTEMPT_DAYS",
        "HUBBUB_RETENTION_ENVELOPE_DAYS",
        "HUBBUB_RETENTION_FEED_DAYS",
        "HUBBUB_SESSION_MAX_S",
        "HUBBUB_SHUTDOWN_GRACE_MS",
        "HUBBUB_SOCKET_COMPRESSION",
        "HUBBUB_STORAGE_MAX_BYTES",
        "HUBBUB_STORAGE_MAX_FILES",
        "HUBBUB_TRUSTED_PROXIES",
        "HUBBUB_WORKER_THREADS",
    ];
    for name in names {
        let error = load("", &env(&[(name, "\u{1}")])).err().map(|error| format!("{error:#}"));
        assert!(!error.is_some_and(|error| error.contains("unknown variable")), "{name}");
    }
}
