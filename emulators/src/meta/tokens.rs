//! Tokens and codes: who holds them, what they reach, and when they end.

use serde_json::{Value, json};

use super::{
    config::Shared,
    grants::{HOUR_MS, Holder, Token},
    ids,
    refusal::Refusal,
    request::Request,
    sign,
    state::State,
};

impl State {
    pub(super) fn issue(&mut self, token: Token) -> String {
        let text = ids::token(matches!(token.holder, Holder::Instagram(_)));
        self.tokens.insert(text.clone(), token);
        text
    }

    /// Whether a token reaches an account: a number, a WABA, a page or an Instagram account.
    pub(super) fn reaches(&self, token: &Token, account: &str) -> bool {
        match &token.holder {
            Holder::User => {
                let waba = self.number(account).map_or(account, |number| number.waba.as_str());
                let page = self.page_of(account).map_or(waba, |page| page.id.as_str());
                token.granted.contains(account)
                    || token.granted.contains(waba)
                    || token.granted.contains(page)
            }
            Holder::Page(page) => {
                page == account
                    || self.page(page).is_some_and(|page| page.instagram.as_deref() == Some(account))
            }
            Holder::Instagram(own) => own == account,
        }
    }
}

/// The token of a call.
pub(super) fn of(shared: &Shared, request: &Request) -> Result<Token, Refusal> {
    let Some(text) = request.token() else {
        return Err(
            Refusal::new(2500, "An active access token must be used to query information").status(400)
        );
    };
    let is_of_instagram = text.starts_with(ids::INSTAGRAM_TOKEN);
    let secret =
        if is_of_instagram { &shared.config.instagram_app_secret } else { &shared.config.app_secret };
    if let Some(proof) = request.query.get("appsecret_proof")
        && *proof != sign::appsecret_proof(secret, &text)
    {
        return Err(Refusal::new(100, "Invalid appsecret_proof provided in the API argument"));
    }
    let token = valid(shared, &text)?;
    let is_elsewhere = match request.host {
        Some("graph.facebook.com") => is_of_instagram,
        Some("graph.instagram.com") => !is_of_instagram,
        _ => false,
    };
    if is_elsewhere {
        return Err(Refusal::token(None, "Invalid OAuth access token - Cannot parse access token"));
    }
    Ok(token)
}

pub(super) fn valid(shared: &Shared, text: &str) -> Result<Token, Refusal> {
    let now_ms = shared.now_ms();
    match shared.state.read(|state| state.tokens.get(text).cloned()) {
        None => Err(Refusal::token(None, "Invalid OAuth access token - Cannot parse access token")),
        Some(token) if token.is_revoked => Err(Refusal::token(
            Some(458),
            "Error validating access token: The user has not authorized application",
        )),
        Some(token) if token.expires_ms.is_some_and(|end| end <= now_ms) => {
            Err(Refusal::token(Some(463), "Error validating access token: Session has expired"))
        }
        Some(token) => Ok(token),
    }
}

/// Checks that the call is made with the app's own token, `{app id}|{app secret}`.
pub(super) fn is_of_app(shared: &Shared, request: &Request) -> bool {
    let expected = format!("{}|{}", shared.config.app_id, shared.config.app_secret);
    request.token().is_some_and(|token| token == expected)
}

/// `GET /debug_token`.
pub(super) fn debug(shared: &Shared, request: &Request) -> Result<Value, Refusal> {
    if !is_of_app(shared, request) {
        of(shared, request)?;
    }
    let text = request.needed("input_token")?;
    let verdict = valid(shared, &text);
    let Some(token) = shared.state.read(|state| state.tokens.get(&text).cloned()) else {
        let error = json!({ "code": 190, "message": "Invalid OAuth access token." });
        return Ok(json!({ "data": { "is_valid": false, "scopes": [], "error": error } }));
    };
    let granular: Vec<Value> = token
        .scopes
        .iter()
        .map(|scope| {
            let is_meant = |id: &&String| {
                shared.state.read(|state| {
                    if scope.starts_with("whatsapp") { state.has_waba(id) } else { state.page(id).is_some() }
                })
            };
            json!({ "scope": scope, "target_ids": token.granted.iter().filter(is_meant).collect::<Vec<_>>() })
        })
        .collect();
    let mut data = json!({
        "app_id": shared.config.app_id,
        "type": match token.holder { Holder::Page(_) => "PAGE", _ => "USER" },
        "application": "Emulated App",
        "expires_at": token.expires_ms.unwrap_or(0) / 1000,
        "data_access_expires_at": (shared.now_ms() + 90 * 24 * HOUR_MS) / 1000,
        "is_valid": verdict.is_ok(),
        "scopes": token.scopes,
        "granular_scopes": granular,
        "user_id": token.user,
    });
    if let Holder::Page(page) = &token.holder {
        data["profile_id"] = page.as_str().into();
    }
    if let Err(refusal) = verdict {
        data["error"] = refusal.body()["error"].clone();
    }
    Ok(json!({ "data": data }))
}
