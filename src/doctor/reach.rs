//! Whether the server answers: on its own address, and at the address that browsers and providers use.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::{Judged, Patient, database};
use crate::error::told;
use crate::history::{self, Asked};
use crate::store::inspect::inspect;

const PATIENCE: Duration = Duration::from_secs(5);

/// The status and the beginning of the answer.
async fn ask(
    request: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder,
) -> Result<(u16, String), String> {
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| error.to_string())?;
    let answered = async {
        let answer = request(&client).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    };
    answered.await.map_err(|error: reqwest::Error| told(&error))
}

/// The listening address as this machine reaches it.
fn own(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

pub(super) async fn bus(patient: &Patient<'_>) -> Judged {
    let config = &patient.config.bus;
    if config.url.is_empty() {
        return Judged::ok("none: one server works with this database");
    }
    let prefix = if config.prefix.is_empty() { "hubbub" } else { &config.prefix };
    let asked = match hub::RedisBus::new(&config.url, prefix) {
        Ok(bus) => bus.ask("doctor").await,
        Err(error) => Err(error),
    };
    match asked {
        Ok(took) => Judged::ok(format!("answers after {} ms", took.as_millis())),
        Err(error) => Judged::fail(
            error,
            "start Redis or mend url of [bus]; until then servers see late what others do, and are not ready",
        ),
    }
}

/// MongoDB, where messages are kept for longer.
pub(super) async fn history(patient: &Patient<'_>) -> Judged {
    let config = &patient.config.history;
    if config.url.is_empty() {
        // A database that cannot be asked is told of by its own check.
        if database::look(patient).await.is_ok_and(|found| found.has_left) {
            return Judged::fail(
                "messages have left for MongoDB, and none is named",
                "name it with url of [history]: the server does not start without it",
            );
        }
        return Judged::ok("none: the store has all messages");
    }
    let mut asked = ask_history(patient).await;
    // A server that makes a term in between makes the database and MongoDB differ.
    for _ in 0..2 {
        if matches!(&asked, Ok(Asked { refusal: Some(_), .. })) {
            asked = ask_history(patient).await;
        }
    }
    match asked {
        Ok(Asked { version, refusal: None }) => Judged::ok(format!("MongoDB {version} answers")),
        Ok(Asked { refusal: Some(why), .. }) => {
            Judged::fail(why, "until then messages that left the store are not shown, and none leaves")
        }
        Err(why) => Judged::fail(
            why,
            "start MongoDB or mend url of [history]; until then messages that left the store are not shown, and none leaves",
        ),
    }
}

async fn ask_history(patient: &Patient<'_>) -> Result<Asked, String> {
    let database = &patient.config.store.database_url;
    // A database that cannot be read has a check of its own.
    let claim = inspect(database, patient.clock).await.ok().and_then(|found| found.history);
    history::ask(&patient.config.history, claim.as_ref(), patient.clock.now_ms()).await
}

pub(super) async fn server(patient: &Patient<'_>) -> Judged {
    let listen = patient.config.server.listen;
    if listen.port() == 0 {
        return Judged::warn("listens on any free port", "set listen to an address with a port");
    }
    let address = own(listen);
    match ask(|client| client.get(format!("http://{address}/health/serving"))).await {
        Ok((200, _)) => Judged::ok(format!("ready at {address}")),
        Ok((status, text)) => Judged::fail(
            format!("not ready at {address}: {status} {}", first(&text)),
            "read the server's log",
        ),
        Err(error) => {
            Judged::warn(format!("no server answers at {address} ({error})"), "start it: hubbub serve")
        }
    }
}

/// Whether there is an address of its own to ask, and a server behind it.
async fn is_running(patient: &Patient<'_>) -> bool {
    let address = own(patient.config.server.listen);
    ask(|client| client.get(format!("http://{address}/health/live"))).await.is_ok()
}

pub(super) async fn public_url(patient: &Patient<'_>) -> Judged {
    let url = &patient.config.server.public_url;
    if *url == format!("http://{}", patient.config.server.listen) {
        return Judged::warn(
            "public_url is not set",
            "set it to the https address under which providers and browsers reach the server (docs/proxy.md)",
        );
    }
    match ask(|client| client.get(format!("{url}/health/live"))).await {
        Ok((200, text)) if text.contains("\"live\"") => {
            Judged::ok(format!("{url} leads to a server of ours"))
        }
        Ok((503, text)) => Judged::fail(
            format!("{url}/health/live is answered 503 {}", first(&text)),
            "look whether the servers run, and in the logs of the proxy and of the server",
        ),
        Ok((status, text)) => Judged::fail(
            format!("{url}/health/live is answered {status} {}, not by a server of ours", first(&text)),
            "let the proxy pass everything under public_url on to the server (docs/proxy.md)",
        ),
        Err(error) if is_running(patient).await => Judged::fail(
            format!("{url} does not answer ({error})"),
            "check the name, the proxy and its certificate: the server itself answers at its own address",
        ),
        Err(error) => {
            Judged::warn(format!("{url} does not answer ({error})"), "start the server and ask again")
        }
    }
}

/// Providers post to addresses below `/hooks/`. What the server answers to an unknown one, no proxy answers.
pub(super) async fn webhooks(patient: &Patient<'_>) -> Judged {
    let url = format!("{}/hooks/doctor", patient.config.server.public_url);
    if patient.config.server.listen.port() == 0 {
        return Judged::warn(
            "webhooks have no address that is known before the start",
            "set listen and public_url",
        );
    }
    match ask(|client| client.post(&url).body("{}")).await {
        Ok((404, text)) if text.contains("not_found") => {
            let judged = Judged::ok(format!("{url} reaches the server from here"));
            if patient.config.is_https() {
                return judged;
            }
            judged.and_warn(
                "webhooks come without TLS",
                "providers want https: set public_url and a proxy (docs/proxy.md)",
            )
        }
        Ok((status @ (429 | 500..=599), text)) => Judged::fail(
            format!("{url} is answered {status} {}", first(&text)),
            "look whether the servers run, and in the logs of the proxy and of the server",
        ),
        Ok((status, text)) => Judged::fail(
            format!("{url} is answered {status} {}, not by a server of ours", first(&text)),
            "let the proxy pass POST requests below /hooks/ on, whatever their body",
        ),
        Err(error) if is_running(patient).await => Judged::fail(
            format!("{url} does not answer ({error})"),
            "let providers reach this address from outside",
        ),
        Err(error) => {
            Judged::warn(format!("{url} does not answer ({error})"), "start the server and ask again")
        }
    }
}

fn first(text: &str) -> String {
    text.chars().filter(|sign| !sign.is_control()).take(80).collect()
}
