//! All emulated providers in one process, beside a server whose memory or speed is measured.
//!
//! `cargo run --example all -- https://hub.example.com` prints a JSON object: for each app and channel its settings, as
//! `hubbub admin app create` and `hubbub admin channel create` take them. Then each line of the input is the address of
//! Meta's callback, which is registered; the end of the input ends it.

use std::io::BufRead as _;

use emulators::{gmail, meta, telegram, waha};
use serde_json::{Map, Value, json};

const MAILBOX: &str = "support@shop.example.com";

fn object(pairs: impl IntoIterator<Item = (&'static str, String)>) -> Value {
    Value::Object(
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect::<Map<_, _>>(),
    )
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hub = std::env::args().nth(1).ok_or("the server's public address is missing")?;
    let telegram = telegram::TelegramEmulator::start(telegram::EmulatorConfig::default()).await?;
    let waha = waha::WahaEmulator::start(waha::EmulatorConfig::default()).await?;
    let meta = meta::MetaEmulator::start(meta::EmulatorConfig::default()).await?;
    let mailboxes = vec![MAILBOX.to_owned()];
    let config = gmail::EmulatorConfig { mailboxes, ..gmail::EmulatorConfig::default() };
    let google = gmail::GmailEmulator::start(config).await?;
    google.subscribes(&format!("{hub}/hooks/gmail"));
    let (config, base, mail) = (google.config(), google.base(), google.grant(MAILBOX));
    let at_google = object([
        ("client_id", config.client_id.clone()),
        ("client_secret", config.client_secret.clone()),
        ("topic", config.topic.clone()),
        ("subscription", config.subscription.clone()),
        ("audience", format!("{hub}/hooks/gmail")),
        ("push_service_account", config.service_account.clone()),
        ("auth_base", base.clone()),
        ("token_base", base.clone()),
        ("api_base", base),
        ("certs_url", google.certs_url()),
    ]);
    let (number, page, account) = ("106500000000001", "1020000000000001", "17841400000000001");
    let channels = json!({
        "telegram": object([("token", telegram.token().to_owned()), ("api_base", telegram.api_base())]),
        "waha": object([("base_url", waha.base_url()), ("api_key", waha.api_key().to_owned()), ("session", "shop-main".into())]),
        "whatsapp-cloud": object([("phone_number_id", number.into()), ("waba_id", "102200000000001".into()),
            ("access_token", meta.number_token(number))]),
        "messenger": object([("page_id", page.into()), ("access_token", meta.page_token(page))]),
        "instagram": object([("account_id", account.into()), ("access_token", meta.instagram_token(account))]),
        "gmail": object([("mailbox", MAILBOX.into()), ("refresh_token", mail.refresh_token),
            ("access_token", mail.access_token), ("access_expires_at_ms", mail.access_expires_at_ms.to_string())]),
    });
    let apps = json!({ "meta": object(meta.app_settings()), "google": at_google });
    println!("{}", json!({ "apps": apps, "channels": channels }));
    loop {
        let line = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).map(|read| (read, line))
        });
        let (read, line) = line.await??;
        if read == 0 {
            return Ok(());
        }
        println!("{}", json!({ "registered": meta.register(line.trim()).await.is_ok() }));
    }
}
