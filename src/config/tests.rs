//! What is read, what is refused, and where a refusal says that the value came from.

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
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.database_url, "./data/hubbub.db");
    assert_eq!(config.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.max_body_bytes, 4 * 1024 * 1024);
    assert!(config.warnings().is_empty());
    assert_eq!(Config::embedded(Path::new("/x")).master_key_file, Path::new("/x/hubbub.key"));
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let file = "listen = \"127.0.0.1:1\"\nmedia_max_bytes = 5\n";
    let pairs = [("HUBBUB_LISTEN", "127.0.0.1:2"), ("HUBBUB_ALLOW_PRIVATE_HOSTS", "waha, 10.0.0.5")];
    let config = load(file, &env(&pairs)).expect("merged");
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.media_max_bytes, 5);
    assert_eq!(config.allow_private_hosts, ["waha", "10.0.0.5"]);
    assert_eq!(config.media_timeout_ms, 30_000);
}

#[test]
fn what_is_wrong_is_refused_by_its_name() {
    assert!(refused("listne = 1", &[]).contains("listne"));
    assert!(refused("", &[("HUBBUB_LISTNE", "x")]).contains("HUBBUB_LISTNE"));
    assert!(load("", &env(&[("HUBBUB_CONFIG", "x"), ("HUBBUB_TEST_X", "x"), ("LISTNE", "x")])).is_ok());
    assert!(refused("listen = 1", &[]).contains("listen"));
    assert!(refused("", &[("HUBBUB_MAX_BODY_BYTES", "lots")]).contains("HUBBUB_MAX_BODY_BYTES"));
    assert!(refused("", &[("HUBBUB_MASTER_KEY", "c2hvcnQ=")]).contains("32 bytes"));
    assert!(refused("", &[("HUBBUB_PUBLIC_URL", "hub.example.com")]).contains("no scheme"));
    assert!(refused("", &[("HUBBUB_PUBLIC_URL", "https://hub.example.com/x")]).contains("without a path"));
    assert!(refused("refresh_token_ttl_s = 60", &[]).contains("refresh_token_ttl_s"));
    assert!(refused("session_max_s = 900", &[]).contains("session_max_s"));
    assert!(load("session_max_s = 901", &env(&[])).is_ok(), "it cuts what is longer");
    for token in ["short", "long enough, but spaces", "0123456789abcdef\n", "ünreadable-in-a-header"] {
        assert!(refused("", &[("HUBBUB_METRICS_TOKEN", token)]).contains("METRICS_TOKEN"), "{token:?}");
    }
    assert!(refused("", &[("HUBBUB_LOG_FORMAT", "xml")]).contains("HUBBUB_LOG_FORMAT"));
}

/// Each setting that holds an origin is kept in one spelling, and what cannot be right is refused by its name.
#[test]
fn origins_are_parsed_and_kept_in_one_spelling() {
    let pairs = [
        ("HUBBUB_PUBLIC_URL", "HTTPS://BÜCHER.example:443/"),
        ("HUBBUB_ALLOWED_ORIGINS", "https://Shop.example.com/, http://shop.example.com:80"),
    ];
    let config = load("", &env(&pairs)).expect("valid");
    assert_eq!(config.public_url, "https://xn--bcher-kva.example");
    assert_eq!(config.allowed_origins, ["https://shop.example.com", "http://shop.example.com"]);
    for wrong in [
        "https://hub.example.com/x",
        "https://hub.example.com?x",
        "https://ann@hub.example.com",
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
        }
    }
}

#[test]
fn private_hosts_are_called_only_when_allowed() {
    let config = load("allow_private_hosts = [\"waha\", \"10.0.0.5\"]", &env(&[])).expect("valid");
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
        let text = format!("allow_private_hosts = [{wrong:?}]");
        assert!(refused(&text, &[]).contains("allow_private_hosts"), "{wrong}");
    }
}

#[test]
fn risky_settings_are_warned_about() {
    let open = load("listen = \"0.0.0.0:80\"", &env(&[])).expect("it works");
    assert!(open.warnings()[0].contains("0.0.0.0:80"));
    let proxied = "listen = \"0.0.0.0:80\"\npublic_url = \"https://hub.example.com/\"";
    let bare = load(proxied, &env(&[])).expect("it works");
    assert_eq!(bare.public_url, "https://hub.example.com");
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
    assert_eq!(config.listen.port(), 8080);
    assert!(refused("", &[links[0], ("HUBBUB_LISTNE", "x")]).contains("HUBBUB_LISTNE"));
    assert!(refused("", &[("HUBBUB_PORT", "8080")]).contains("HUBBUB_PORT"));
}

/// Whatever is refused, whether by its type or by a check, says where the value came from.
#[test]
fn a_refused_value_names_the_variable_or_the_file_that_it_came_from() {
    let cases = [
        ("listen", "\"nowhere\"", "nowhere"),
        ("public_url", "\"hub\"", "hub"),
        ("trusted_proxies", "[\"proxy\"]", "proxy"),
        ("allowed_origins", "[\"shop\"]", "shop"),
        ("socket_compression", "1", "perhaps"),
        ("http_idle_timeout_s", "0", "0"),
        ("http_proxy_idle_timeout_s", "90000", "-1"),
        ("metrics_token", "\"short\"", "short"),
        ("metrics_listen", "\"9090\"", "localhost"),
        ("max_unfinished_bytes", "1048575", "1"),
        ("max_unfinished_per_address", "7", "0"),
        ("rate_per_caller", "-1", "many"),
        ("storage_max_bytes", "-1", "many"),
        ("database_connections", "0", "-1"),
        ("master_key", "\"short\"", "short"),
        ("old_master_keys", "[\"short\"]", "short"),
        ("access_token_ttl_s", "1", "1"),
        ("refresh_token_ttl_s", "60", "60"),
        ("max_body_bytes", "12", "lots"),
        ("media_max_bytes", "0", "0"),
        ("media_timeout_ms", "-5", "0"),
        ("provider_timeout_ms", "0", "-5"),
        ("worker_threads", "5000", "5000"),
        ("shutdown_grace_ms", "-1", "-1"),
        ("log", "\"a=b=c\"", "a=b=c"),
        ("log_format", "\"xml\"", "xml"),
    ];
    for (key, in_file, in_variable) in cases {
        let name = format!("HUBBUB_{}", key.to_uppercase());
        let error = refused("", &[(&name, in_variable)]);
        assert!(error.starts_with(&format!("{name}: ")), "{error}");
        assert!(!error.contains("hubbub.toml"), "{error}");
        let error = refused(&format!("{key} = {in_file}"), &[]);
        assert!(error.starts_with(&format!("hubbub.toml: {key}: ")), "{error}");
        // Another value from elsewhere is not to blame.
        let error = refused("worker_threads = 2", &[(&name, in_variable)]);
        assert!(error.starts_with(&format!("{name}: ")), "{error}");
    }
    let both = refused("access_token_ttl_s = 7200", &[("HUBBUB_REFRESH_TOKEN_TTL_S", "3600")]);
    assert!(
        both.contains("HUBBUB_REFRESH_TOKEN_TTL_S") && both.contains("hubbub.toml: access_token"),
        "{both}"
    );
    assert!(refused("listen = ", &[]).starts_with("hubbub.toml: "));
}

#[test]
fn a_named_file_is_named_in_its_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hub.toml");
    std::fs::write(&file, "max_body_bytes = 12").expect("written");
    let error = format!("{:#}", read(Some(&file)).expect_err("refused"));
    assert!(error.starts_with(&format!("{}: max_body_bytes: ", file.display())), "{error}");
}

#[test]
fn the_servers_socket_is_where_the_configuration_says() {
    for (file, url) in [
        ("", "ws://127.0.0.1:8080/connection/websocket"),
        ("listen = \"10.0.0.5:80\"", "ws://10.0.0.5/connection/websocket"),
        ("listen = \"0.0.0.0:9000\"", "ws://127.0.0.1:9000/connection/websocket"),
        ("listen = \"[::]:9000\"", "ws://[::1]:9000/connection/websocket"),
        (
            "listen = \"0.0.0.0:80\"\npublic_url = \"https://hub.example.com/\"",
            "wss://hub.example.com/connection/websocket",
        ),
        ("public_url = \"http://hub.internal:81\"", "ws://hub.internal:81/connection/websocket"),
    ] {
        assert_eq!(load(file, &env(&[])).expect("valid").socket_url().expect("known"), url, "{file}");
    }
    let free = load("listen = \"127.0.0.1:0\"", &env(&[])).expect("valid").socket_url();
    assert!(free.expect_err("not known").to_string().contains("free port"));
}
