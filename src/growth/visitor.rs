//! Who visits a link: a person, or a program that looks what is behind it. Programs are sent on without a reference and
//! counted nowhere. What they call themselves is all that is known of them: a program that says it is a browser counts.

use axum::http::{HeaderMap, Method, header};

/// In the names of programs that make previews, index pages or look for harm, in lower case.
const PROGRAMS: &[&str] = &[
    "bot",
    "crawl",
    "spider",
    "preview",
    "facebookexternalhit",
    "facebookcatalog",
    "vkshare",
    "slurp",
    "skypeuripreview",
    "embedly",
    "quora link",
    "outbrain",
    "pinterest/0",
    "google-pagerenderer",
    "google-safety",
    "safebrowsing",
    "headlesschrome",
    "phantomjs",
    "lighthouse",
    "curl/",
    "wget/",
    "python-",
    "aiohttp",
    "httpx",
    "go-http-client",
    "java/",
    "okhttp",
    "apache-httpclient",
    "libwww",
    "axios/",
    "node-fetch",
    "undici",
    "scrapy",
    "ruby",
    "monitor",
    "uptime",
    "scan",
    "validator",
    "bitlybot",
    "proofpoint",
    "mimecast",
    "barracuda",
];
/// What such a name is also part of, on telephones of people.
const PHONES: &[&str] = &["cubot"];

/// Whether the request is of somebody who wants to write.
pub fn is_person(method: &Method, headers: &HeaderMap) -> bool {
    if method != Method::GET {
        return false;
    }
    let said = |name: &str| {
        let values = headers.get_all(name).iter();
        values.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",").to_ascii_lowercase()
    };
    // Browsers fetch ahead what may be looked at, and say so.
    if ["purpose", "sec-purpose", "x-purpose", "x-moz"]
        .iter()
        .any(|name| ["prefetch", "preview", "prerender"].iter().any(|word| said(name).contains(word)))
    {
        return false;
    }
    // A picture or a script of another page is nobody's wish.
    if headers.get("sec-fetch-dest").is_some_and(|dest| !matches!(dest.as_bytes(), b"document" | b"empty")) {
        return false;
    }
    let agent = said(header::USER_AGENT.as_str());
    // A preview of WhatsApp's is made by the telephone of the one who writes: `WhatsApp/2.24 A`, and nothing else.
    if agent.trim().len() < 8 || agent.starts_with("whatsapp/") || agent.starts_with("viber/") {
        return false;
    }
    let agent = PHONES.iter().fold(agent, |agent, phone| agent.replace(phone, ""));
    !PROGRAMS.iter().any(|word| agent.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(agent: &str, others: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, agent.parse().expect("a value"));
        for (name, value) in others {
            headers.insert(*name, value.parse().expect("a value"));
        }
        headers
    }

    const PHONE: &str =
        "Mozilla/5.0 (Linux; Android 14; CUBOT P80) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36";

    #[test]
    fn people_and_programs_are_told_apart() {
        let people = [
            PHONE,
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 musical_ly_36 BytedanceWebview/d8a21c6",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/22A Instagram 350.0.0 (iPhone15,2)",
            "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/480.0.0.0;]",
        ];
        let programs = [
            "",
            "WhatsApp/2.24.20.80 A",
            "TelegramBot (like TwitterBot)",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 (compatible; Bytespider; spider-feedback@bytedance.com)",
            "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)",
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "curl/8.9.1",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/130.0.0.0 Safari/537.36",
        ];
        for agent in people {
            assert!(is_person(&Method::GET, &headers(agent, &[])), "{agent}");
            assert!(!is_person(&Method::HEAD, &headers(agent, &[])), "{agent}");
        }
        for agent in programs {
            assert!(!is_person(&Method::GET, &headers(agent, &[])), "{agent}");
        }
        for ahead in [
            ("purpose", "prefetch"),
            ("sec-purpose", "prefetch;prerender"),
            ("x-moz", "prefetch"),
            ("sec-fetch-dest", "image"),
        ] {
            assert!(!is_person(&Method::GET, &headers(PHONE, &[ahead])), "{ahead:?}");
        }
        assert!(is_person(&Method::GET, &headers(PHONE, &[("sec-fetch-dest", "document")])));
        assert!(!is_person(&Method::GET, &HeaderMap::new()));
    }
}
