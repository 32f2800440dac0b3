//! What a test prepares: accounts, tokens, the next sign-in, the app's callback and its subscriptions.

use std::collections::BTreeSet;

use super::{
    MetaEmulator,
    accounts::{INSTAGRAM_FIELDS, Instagram, Number, PAGE_FIELDS, Page, Subscription, Template},
    grants::{Holder, SignIn, Token},
    hooks,
    values::Service,
};

/// The fields of a subscription that a test makes itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fields<'a> {
    All,
    Only(&'a [&'a str]),
}

impl MetaEmulator {
    /// The settings of the app, by the names that the hub gives them. Each base serves every host; see
    /// [`MetaEmulator::host`] for stricter ones.
    pub fn app_settings(&self) -> Vec<(&'static str, String)> {
        let (config, base) = (self.config(), self.base_url());
        let mut settings = vec![
            ("app_id", config.app_id.clone()),
            ("app_secret", config.app_secret.clone()),
            ("verify_token", config.verify_token.clone()),
            ("instagram_app_id", config.instagram_app_id.clone()),
            ("instagram_app_secret", config.instagram_app_secret.clone()),
            ("media_hosts", self.address.ip().to_string()),
            ("api_version", config.version.clone()),
        ];
        settings.extend(config.config_id.clone().map(|id| ("config_id", id)));
        let bases =
            ["graph_base", "instagram_base", "dialog_base", "instagram_dialog_base", "instagram_token_base"];
        settings.extend(bases.map(|name| (name, base.clone())));
        settings
    }

    /// Adds accounts to those of the start; one with the same id is replaced.
    pub fn has(&self, numbers: &[Number], pages: &[Page], instagrams: &[Instagram], templates: &[Template]) {
        self.shared.state.change(|state| {
            state.numbers.retain(|known| numbers.iter().all(|new| new.id != known.id));
            state.numbers.extend_from_slice(numbers);
            state.pages.retain(|known| pages.iter().all(|new| new.id != known.id));
            state.pages.extend_from_slice(pages);
            state.instagrams.retain(|known| instagrams.iter().all(|new| new.id != known.id));
            state.instagrams.extend_from_slice(instagrams);
            state.templates.extend_from_slice(templates);
        });
    }

    /// A token without an end that reaches a number and its WABA.
    pub fn number_token(&self, number: &str) -> String {
        let waba = self.shared.state.read(|state| state.number(number).map(|number| number.waba.clone()));
        let scopes = ["whatsapp_business_management", "whatsapp_business_messaging"];
        self.issue(Holder::User, waba.into_iter().collect(), &scopes)
    }

    /// A token of a page without an end.
    pub fn page_token(&self, page: &str) -> String {
        let scopes = ["pages_messaging", "pages_manage_metadata", "instagram_manage_messages"];
        self.issue(Holder::Page(page.to_owned()), BTreeSet::from([page.to_owned()]), &scopes)
    }

    /// A long-lived token of an account of Instagram Login, without an end.
    pub fn instagram_token(&self, account: &str) -> String {
        let scopes = ["instagram_business_basic", "instagram_business_manage_messages"];
        self.issue(Holder::Instagram(account.to_owned()), BTreeSet::from([account.to_owned()]), &scopes)
    }

    fn issue(&self, holder: Holder, granted: BTreeSet<String>, scopes: &[&str]) -> String {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let user = self.shared.state.read(|state| state.sign_in.user.clone());
        let token =
            Token { holder, user, scopes, granted, expires_ms: None, is_long: true, is_revoked: false };
        self.shared.state.change(|state| state.issue(token))
    }

    /// From now on a token's calls are answered with 190.
    pub fn revoke(&self, token: &str) {
        self.shared.state.change(|state| {
            if let Some(token) = state.tokens.get_mut(token) {
                token.is_revoked = true;
            }
        });
    }

    /// A token ends at this time.
    pub fn expires(&self, token: &str, at_ms: i64) {
        self.shared.state.change(|state| {
            if let Some(token) = state.tokens.get_mut(token) {
                token.expires_ms = Some(at_ms);
            }
        });
    }

    /// What the person does at the sign-ins from now on.
    pub fn signs_in(&self, sign_in: SignIn) {
        self.shared.state.change(|state| state.sign_in = sign_in);
    }

    /// Registers the app's callback as its owner does on the dashboard: it has to answer the challenge.
    pub async fn register(&self, url: &str) -> Result<(), String> {
        hooks::prove(&self.shared, url, &self.shared.config.verify_token).await?;
        self.shared.state.change(|state| state.callback = Some(url.to_owned()));
        hooks::wake(&self.shared);
        Ok(())
    }

    /// Subscribes our app to an account without a call; of a number, to its WABA.
    pub fn subscribe(&self, account: &str, fields: Fields<'_>) {
        let service = self.service(account);
        let names: &[&str] = match (fields, service) {
            (Fields::Only(names), _) => names,
            (Fields::All, Service::Messenger) => &PAGE_FIELDS,
            (Fields::All, _) => &INSTAGRAM_FIELDS,
        };
        let fields = names.iter().map(|name| (*name).to_owned()).collect();
        self.shared.state.change(|state| {
            let waba = state.number(account).map(|number| number.waba.clone());
            let by_page = state.instagram(account).filter(|one| one.is_by_page);
            let page = by_page.and_then(|one| state.page_of(&one.id)).map(|page| page.id.clone());
            let account = waba.or(page).unwrap_or_else(|| account.to_owned());
            state.subscriptions.insert(account, Subscription { fields, callback: None });
        });
    }

    /// The fields that are subscribed at a WABA, a page or an Instagram account; `None`: our app is not there.
    pub fn subscribed(&self, account: &str) -> Option<Vec<String>> {
        self.shared.state.read(|state| {
            let subscription = state.subscriptions.get(account)?;
            Some(subscription.fields.iter().cloned().collect())
        })
    }
}
