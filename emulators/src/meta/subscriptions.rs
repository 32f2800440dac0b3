//! Subscriptions: the app's callback, which is proven with a challenge, and our app at an account, with the fields that
//! are delivered.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    accounts::{INSTAGRAM_FIELDS, PAGE_FIELDS, Subscription},
    config::Shared,
    grants::Holder,
    hooks,
    refusal::{Outcome, Refusal},
    request::Request,
    tokens,
};

/// `POST /{app id}/subscriptions` with the app's token.
pub(super) async fn of_app(shared: &Shared, request: &Request, app: &str) -> Outcome {
    if app != shared.config.app_id {
        return Err(Refusal::unknown(app));
    }
    if !tokens::is_of_app(shared, request) {
        return Err(Refusal::new(15, "This method must be called with an app access_token."));
    }
    let object = request.needed("object")?;
    if !["whatsapp_business_account", "page", "instagram"].contains(&object.as_str()) {
        return Err(Refusal::parameter("object is unknown"));
    }
    request.needed("fields")?;
    let (url, verify_token) = (request.needed("callback_url")?, request.needed("verify_token")?);
    prove(shared, &url, &verify_token).await?;
    shared.state.change(|state| state.callback = Some(url));
    Ok(json!({ "success": true }))
}

async fn prove(shared: &Shared, url: &str, verify_token: &str) -> Result<(), Refusal> {
    hooks::prove(shared, url, verify_token).await.map_err(|words| Refusal::new(2200, &words))
}

/// `…/{WABA, page or Instagram account}/subscribed_apps`.
pub(super) async fn of_account(shared: &Shared, request: &Request, named: &str) -> Outcome {
    let token = tokens::of(shared, request)?;
    let account = token.names(named);
    let account = account.as_str();
    let (is_waba, is_page, is_instagram) = shared.state.read(|state| {
        (state.has_waba(account), state.page(account).is_some(), state.instagram(account).is_some())
    });
    let is_reached = shared.state.read(|state| state.reaches(&token, account));
    if !is_reached || !(is_waba || is_page || is_instagram) {
        return Err(Refusal::unknown(account));
    }
    if is_page && token.holder == Holder::User {
        return Err(Refusal::new(210, "A page access token is required to request this resource."));
    }
    // An account that is linked with a page has no subscription of its own.
    if is_instagram && !matches!(token.holder, Holder::Instagram(_)) {
        return Err(Refusal::unknown(account));
    }
    match request.method.as_str() {
        "GET" => Ok(get(shared, account, is_waba)),
        "DELETE" => {
            shared.state.change(|state| state.subscriptions.remove(account));
            Ok(json!({ "success": true }))
        }
        _ if is_waba => {
            let callback = request.parameter("override_callback_uri");
            if let Some(url) = &callback {
                prove(shared, url, &request.needed("verify_token")?).await?;
            }
            let subscription = Subscription { fields: BTreeSet::new(), callback };
            shared.state.change(|state| state.subscriptions.insert(account.to_owned(), subscription));
            Ok(json!({ "success": true }))
        }
        _ => {
            let known: &[&str] = if is_page { &PAGE_FIELDS } else { &INSTAGRAM_FIELDS };
            let given = request.needed("subscribed_fields")?;
            let fields: BTreeSet<String> = given.split(',').map(|name| name.trim().to_owned()).collect();
            if let Some(name) = fields.iter().find(|name| !known.contains(&name.as_str())) {
                let words = format!("Param subscribed_fields[0] must be one of {known:?} - got \"{name}\"");
                return Err(Refusal::new(100, &words));
            }
            let subscription = Subscription { fields, callback: None };
            shared.state.change(|state| state.subscriptions.insert(account.to_owned(), subscription));
            Ok(json!({ "success": true }))
        }
    }
}

fn get(shared: &Shared, account: &str, is_waba: bool) -> serde_json::Value {
    let subscription = shared.state.read(|state| state.subscriptions.get(account).cloned());
    let Some(subscription) = subscription else { return json!({ "data": [] }) };
    let app = &shared.config.app_id;
    let link = format!("https://www.facebook.com/games/?app_id={app}");
    if is_waba {
        let mut one =
            json!({ "whatsapp_business_api_data": { "id": app, "name": "Emulated App", "link": link } });
        if let Some(callback) = &subscription.callback {
            one["override_callback_uri"] = callback.as_str().into();
        }
        json!({ "data": [one] })
    } else {
        let one = json!({ "id": app, "name": "Emulated App", "link": link, "category": "Business",
            "subscribed_fields": subscription.fields });
        json!({ "data": [one] })
    }
}
