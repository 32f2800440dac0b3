//! `/l/{code}`: a visitor of a tracked link is sent to the chat. Only to the four hosts that `growth/target.rs` builds, never
//! to an address from the request. What is refused is a page for people, in English or Russian, as the browser asks.

use axum::extract::{Path, RawQuery, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::time::Instant;

use super::peer::PeerIp;
use super::problem::Problem;
use crate::admission::network;
use crate::app::AppState;
use crate::growth::link::is_code;
use crate::growth::visit::{self, Visitor, Went};
use crate::growth::visitor;

pub async fn follow(
    State(app): State<AppState>,
    Path(code): Path<String>,
    RawQuery(query): RawQuery,
    peer: PeerIp,
    parts: Parts,
) -> Result<Response, Problem> {
    let address = peer.counted();
    if let Err(wait) = app.admission.rates.stranger(address) {
        let mut response = page(StatusCode::TOO_MANY_REQUESTS, &parts.headers);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.seconds.max(1)));
        return Ok(response);
    }
    // What cannot be a code costs no look.
    let code = code.to_ascii_lowercase();
    if !is_code(&code) {
        return Ok(page(StatusCode::NOT_FOUND, &parts.headers));
    }
    let is_person = visitor::is_person(&parts.method, &parts.headers);
    let kind = |tenant| {
        if !is_person || !app.admission.rates.visit(address, tenant) {
            return Visitor::Uncounted;
        }
        let agent = parts.headers.get(header::USER_AGENT).map(HeaderValue::as_bytes);
        let is_known = app.admission.visitors.is_known((network(address), agent, &code), Instant::now());
        if is_known { Visitor::Again } else { Visitor::New }
    };
    let went = visit::visit(&app.store, &code, query.as_deref().unwrap_or_default(), kind).await?;
    let (outcome, response) = match went {
        Went::Unknown => ("unknown", page(StatusCode::NOT_FOUND, &parts.headers)),
        Went::Over => ("over", page(StatusCode::GONE, &parts.headers)),
        Went::To(url) => {
            let to = HeaderValue::from_str(&url).map_err(|_| Problem::internal())?;
            let headers = [
                (header::LOCATION, to),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            ];
            let outcome = if is_person { "person" } else { "program" };
            (outcome, (StatusCode::FOUND, headers).into_response())
        }
    };
    metrics::counter!("hubbub_link_visits_total", "outcome" => outcome).increment(1);
    Ok(response)
}

/// What a page says: its title and a sentence.
type Words = (&'static str, &'static str);

const fn english(status: StatusCode) -> Words {
    match status.as_u16() {
        410 => ("This link is over", "Its owner turned it off, or its time has passed. Ask for a new one."),
        429 => ("Too many visits", "Many requests came from your network just now. Try again in a minute."),
        _ => ("There is no such link", "Look whether the address is complete, or ask for it again."),
    }
}

const fn russian(status: StatusCode) -> Words {
    match status.as_u16() {
        410 => ("Ссылка больше не действует", "Владелец отключил её, или её срок истёк. Попросите новую."),
        429 => ("Слишком много переходов", "Из вашей сети пришло много запросов. Попробуйте через минуту."),
        _ => ("Такой ссылки нет", "Проверьте, полностью ли скопирован адрес, или попросите его ещё раз."),
    }
}

/// Nothing of the request is in it.
fn page(status: StatusCode, headers: &HeaderMap) -> Response {
    let is_russian = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(prefers_russian);
    let (language, (title, text)) =
        if is_russian { ("ru", russian(status)) } else { ("en", english(status)) };
    let body = format!(
        "<!doctype html>\n<html lang=\"{language}\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <title>{title}</title>\n<link rel=\"stylesheet\" href=\"/link.css\">\n\
         <main>\n<h1>{title}</h1>\n<p>{text}</p>\n</main>\n</html>\n"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Accept-Language"),
    ];
    (status, headers, body).into_response()
}

/// Whether Russian is the first of both languages in the header. Weights are written in falling order by browsers.
fn prefers_russian(accepted: &str) -> bool {
    let languages = accepted.split(',').map(|one| one.trim().to_ascii_lowercase());
    let mut known = languages.filter(|one| one.starts_with("ru") || one.starts_with("en"));
    known.next().is_some_and(|one| one.starts_with("ru"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_speaks_the_language_that_the_browser_asks_for() {
        for (accepted, is_russian) in [
            ("ru-RU,ru;q=0.9,en;q=0.8", true),
            ("en-US,en;q=0.9,ru;q=0.8", false),
            ("kk,ru;q=0.7", true),
            ("de", false),
            ("", false),
        ] {
            assert_eq!(prefers_russian(accepted), is_russian, "{accepted}");
        }
        let response = page(StatusCode::GONE, &HeaderMap::new());
        assert_eq!(
            (response.status(), &response.headers()[header::CONTENT_TYPE]),
            (StatusCode::GONE, &HeaderValue::from_static("text/html; charset=utf-8"))
        );
    }
}
