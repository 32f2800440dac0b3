//! Linking a session with a phone: the picture of a code to be scanned, a code to be typed, and beginning anew. A server shows
//! the first code for a minute and five more for twenty seconds each; then the session fails until it is started again.

use reqwest::Method;
use serde_json::json;

use super::api::Api;
use crate::call::{Failure, Verdict, call};
use crate::{Account, Client, Pairing, SendError, json as read, sniff};

/// The picture of the code; `None` while there is nothing to scan. Anything else that is no picture is a failure: somebody waits
/// before the page.
pub(super) async fn picture(http: &Client, account: &Account) -> Result<Option<Pairing>, SendError> {
    let api = Api::of(http, account)?;
    let path = format!("/api/{}/auth/qr", api.session);
    let answer = call(api.request(Method::GET, &path).header("Accept", "image/png")).await?;
    match answer.status {
        200..=299 => {
            let mime = sniff::settle(&answer.body, None);
            let is_picture = mime == "image/png";
            is_picture
                .then_some(Pairing { mime, bytes: answer.body })
                .map(Some)
                .ok_or_else(|| failed("WAHA sent no picture of the code".to_owned()))
        }
        // The session is not there, or waits for no scan.
        404 | 409 | 422 => Ok(None),
        status => Err(failed(format!("WAHA answered {status}"))),
    }
}

fn failed(reason: String) -> SendError {
    Failure::new(Verdict::Retry { after_ms: None }, "no_code", reason).into()
}

/// Starts the session, or starts it anew. Logging out makes the server forget the device.
pub(super) async fn again(http: &Client, account: &Account, forget: bool) -> Result<(), SendError> {
    let api = Api::of(http, account)?;
    let order = |order: &str| format!("/api/sessions/{}/{order}", api.session);
    if forget {
        api.post(&order("logout"), &json!({})).await?;
        api.post(&order("start"), &json!({})).await?;
    } else {
        api.post(&order("restart"), &json!({})).await?;
    }
    Ok(())
}

pub(super) async fn code(http: &Client, account: &Account, phone: &str) -> Result<Option<String>, SendError> {
    let api = Api::of(http, account)?;
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let path = format!("/api/{}/auth/request-code", api.session);
    let answer = api.post(&path, &json!({ "phoneNumber": digits })).await?;
    Ok(read::text(&answer.json(), "code"))
}
