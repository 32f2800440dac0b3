//! What can be read of accounts and people: numbers, WABAs, pages, Instagram accounts, profiles.

use serde_json::{Map, Value, json};

use super::{
    config::Shared,
    grants::{Holder, Token, app_scoped},
    media,
    refusal::{Outcome, Refusal},
    request::Request,
    state::State,
    tokens,
};

const NUMBER_DEFAULTS: &str = "verified_name,code_verification_status,display_phone_number,quality_rating,id";

/// The names in `fields`, without what is asked inside of them: `a,b{c,d}` gives `a` and `b`.
fn asked(request: &Request, defaults: &str) -> Vec<String> {
    let fields = request.parameter("fields").unwrap_or_else(|| defaults.to_owned());
    let (mut depth, mut names, mut name) = (0_usize, Vec::new(), String::new());
    for letter in fields.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => names.push(std::mem::take(&mut name)),
            letter if depth == 0 && !letter.is_whitespace() => name.push(letter),
            _ => {}
        }
    }
    names.push(name);
    names.retain(|name| !name.is_empty());
    names
}

/// The asked members of a node; one that it does not have is an error, as at Graph.
fn chosen(request: &Request, node: &Value, defaults: &str, kind: &str) -> Outcome {
    let mut chosen = Map::new();
    for name in asked(request, defaults) {
        match node.get(&name) {
            Some(Value::Null) => {}
            Some(value) => drop(chosen.insert(name, value.clone())),
            None => {
                let words = format!("Tried accessing nonexisting field ({name}) on node type ({kind})");
                return Err(Refusal::new(100, &words));
            }
        }
    }
    chosen.insert("id".into(), node["id"].clone());
    Ok(Value::Object(chosen))
}

fn list(items: &[Value]) -> Value {
    json!({ "data": items, "paging": { "cursors": { "before": "QVFIemulated", "after": "QVFIemulated" } } })
}

pub(super) fn get(shared: &Shared, request: &Request, id: &str) -> Outcome {
    if shared.state.read(|state| state.media.contains_key(id)) {
        return media::node(shared, request, id);
    }
    if id == shared.config.app_id && tokens::is_of_app(shared, request) {
        return Ok(json!({ "id": id, "name": "Emulated App" }));
    }
    let token = tokens::of(shared, request)?;
    if token.holder == Holder::User && id == "me" {
        let node = json!({ "id": token.user, "name": "Owner Sample", "email": null });
        return chosen(request, &node, "id,name", "User");
    }
    let id = token.names(id);
    if let Some((node, defaults, kind)) = shared.state.read(|state| account(state, &token, &id)) {
        if !shared.state.read(|state| state.reaches(&token, &id)) {
            return Err(Refusal::unknown(&id));
        }
        return chosen(request, &node, defaults, kind);
    }
    profile(shared, request, &token, &id)
}

fn account(state: &State, token: &Token, id: &str) -> Option<(Value, &'static str, &'static str)> {
    if let Some(number) = state.number(id) {
        return Some((
            number_node(state, id, &number.phone, &number.name),
            NUMBER_DEFAULTS,
            "WhatsAppBusinessPhoneNumber",
        ));
    }
    if state.has_waba(id) {
        let node = json!({ "id": id, "name": "Sample Business", "currency": "EUR", "timezone_id": "1",
            "message_template_namespace": "emulated", "account_review_status": "APPROVED",
            "business_verification_status": "verified", "status": "ACTIVE", "country": "US",
            "ownership_type": "SELF", "health_status": { "can_send_message": "AVAILABLE" } });
        return Some((
            node,
            "id,name,currency,timezone_id,message_template_namespace",
            "WhatsAppBusinessAccount",
        ));
    }
    if let Some(page) = state.page(id) {
        let node = json!({ "id": id, "name": page.name, "username": null, "category": "Shop", "link": null,
            "access_token": null, "picture": null, "tasks": ["MESSAGING", "MANAGE"],
            "instagram_business_account": instagram_of(state, page.instagram.as_deref()),
            "connected_instagram_account": instagram_of(state, page.instagram.as_deref()) });
        return Some((node, "id,name", "Page"));
    }
    let own = state.instagram(id)?;
    // Instagram Login: `id` is the account as this app knows it, `user_id` the one in webhooks.
    let is_login = matches!(token.holder, Holder::Instagram(_));
    let scoped = if is_login { app_scoped(id) } else { id.to_owned() };
    let node = json!({ "id": scoped, "user_id": id, "username": own.username, "name": "Demo Shop",
        "account_type": "BUSINESS", "profile_picture_url": null, "followers_count": 10, "follows_count": 1,
        "media_count": 3, "biography": null });
    Some((node, "id,username", "IGUser"))
}

fn number_node(state: &State, id: &str, phone: &str, name: &str) -> Value {
    let is_registered = state.registered.contains(id);
    json!({ "id": id, "verified_name": name, "display_phone_number": format!("+{phone}"),
        "quality_rating": "GREEN", "code_verification_status": "VERIFIED", "platform_type": "CLOUD_API",
        "throughput": { "level": "STANDARD" }, "status": "CONNECTED", "name_status": "APPROVED",
        "account_mode": "LIVE", "messaging_limit_tier": "TIER_1K", "is_official_business_account": false,
        "is_on_biz_app": false, "is_pin_enabled": is_registered, "health_status": { "can_send_message": "AVAILABLE" },
        "webhook_configuration": null, "whatsapp_business_manager_messaging_limit": "TIER_1K" })
}

fn instagram_of(state: &State, id: Option<&str>) -> Value {
    let account = id.and_then(|id| state.instagram(id));
    account.map_or(Value::Null, |account| json!({ "id": account.id, "username": account.username }))
}

/// `GET /{person}?fields=…`: only of people whom the account of the token knows.
fn profile(shared: &Shared, request: &Request, token: &Token, id: &str) -> Outcome {
    let (Holder::Page(_) | Holder::Instagram(_)) = &token.holder else { return Err(Refusal::unknown(id)) };
    let found = shared.state.read(|state| {
        let mut people = state.people.iter();
        people
            .find(|((account, name), _)| name == id && state.reaches(token, account))
            .map(|((account, _), person)| (state.instagram(account).is_some(), person.clone()))
    });
    let Some((is_of_instagram, person)) = found else { return Err(Refusal::unknown(id)) };
    if is_of_instagram && person.wrote_ms.is_none() {
        return Err(Refusal::new(230, "User consent is required to access user profile"));
    }
    let tail = id.get(id.len().saturating_sub(4)..).unwrap_or(id);
    let mut node = if is_of_instagram {
        json!({ "id": id, "name": format!("Customer {tail}"), "username": format!("customer_{tail}"),
            "profile_pic": null, "follower_count": 12, "is_user_follow_business": true,
            "is_business_follow_user": false, "is_verified_user": false })
    } else {
        json!({ "id": id, "name": format!("Customer {tail}"), "first_name": "Customer", "last_name": tail,
            "profile_pic": null, "locale": null, "timezone": null, "gender": null })
    };
    for (name, value) in person.profile.as_ref().and_then(Value::as_object).into_iter().flatten() {
        node[name.as_str()] = value.clone();
    }
    let defaults = if is_of_instagram { "id,name,username" } else { "id,first_name,last_name" };
    chosen(request, &node, defaults, "User")
}

/// `GET /me/accounts`: the granted pages, each with its own token.
pub(super) fn my_accounts(shared: &Shared, request: &Request) -> Outcome {
    let token = tokens::of(shared, request)?;
    if token.holder != Holder::User {
        return Err(Refusal::new(100, "Tried accessing nonexisting field (accounts) on node type (Page)"));
    }
    let pages = shared.state.change(|state| {
        let granted: Vec<_> =
            state.pages.iter().filter(|page| token.granted.contains(&page.id)).cloned().collect();
        let nodes = granted.into_iter().map(|page| {
            // The token of a page lives as long as the person's; without end, if that one is long-lived.
            let own = Token {
                holder: Holder::Page(page.id.clone()),
                expires_ms: if token.is_long { None } else { token.expires_ms },
                ..token.clone()
            };
            let access_token = state.issue(own);
            json!({ "id": page.id, "name": page.name, "access_token": access_token, "category": "Shop",
                "tasks": ["MESSAGING", "MODERATE", "MANAGE"], "category_list": [],
                "instagram_business_account": instagram_of(state, page.instagram.as_deref()),
                "connected_instagram_account": null, "picture": null, "username": null })
        });
        nodes.collect::<Vec<_>>()
    });
    let defaults = "access_token,category,category_list,name,id,tasks";
    let chosen: Result<Vec<Value>, Refusal> =
        pages.iter().map(|page| chosen(request, page, defaults, "Page")).collect();
    Ok(list(&chosen?))
}

fn reached(shared: &Shared, request: &Request, account: &str) -> Result<Token, Refusal> {
    let token = tokens::of(shared, request)?;
    if shared.state.read(|state| state.reaches(&token, account)) {
        Ok(token)
    } else {
        Err(Refusal::unknown(account))
    }
}

pub(super) fn phone_numbers(shared: &Shared, request: &Request, waba: &str) -> Outcome {
    reached(shared, request, waba)?;
    let numbers = shared.state.read(|state| {
        let own = state.numbers.iter().filter(|number| number.waba == waba);
        own.map(|number| number_node(state, &number.id, &number.phone, &number.name)).collect::<Vec<_>>()
    });
    let kind = "WhatsAppBusinessPhoneNumber";
    let chosen: Result<Vec<Value>, Refusal> =
        numbers.iter().map(|number| chosen(request, number, NUMBER_DEFAULTS, kind)).collect();
    Ok(list(&chosen?))
}

pub(super) fn templates(shared: &Shared, request: &Request, waba: &str) -> Outcome {
    reached(shared, request, waba)?;
    let templates = shared.state.read(|state| {
        let nodes = state.templates.iter().enumerate().map(|(at, template)| {
            json!({ "id": format!("5940000000000{at:02}"), "name": template.name, "language": template.language,
                "status": "APPROVED", "category": "UTILITY",
                "components": [{ "type": "BODY", "text": template.body }] })
        });
        nodes.collect::<Vec<_>>()
    });
    let defaults = "id,name,language,status,category,components";
    let chosen: Result<Vec<Value>, Refusal> =
        templates.iter().map(|template| chosen(request, template, defaults, "MessageTemplate")).collect();
    Ok(list(&chosen?))
}

/// `POST /{phone number id}/register` with a PIN, and `deregister`.
pub(super) fn register(shared: &Shared, request: &Request, number: &str) -> Outcome {
    reached(shared, request, number)?;
    if request.path.ends_with("/deregister") {
        shared.state.change(|state| state.registered.remove(number));
        return Ok(json!({ "success": true }));
    }
    let body = Value::Object(request.json()?);
    let is_pin = |pin: &str| pin.len() == 6 && pin.bytes().all(|byte| byte.is_ascii_digit());
    if body["messaging_product"] != "whatsapp" || !body["pin"].as_str().is_some_and(is_pin) {
        return Err(Refusal::parameter("register needs messaging_product and a pin of six digits"));
    }
    shared.state.change(|state| state.registered.insert(number.to_owned()));
    Ok(json!({ "success": true }))
}
