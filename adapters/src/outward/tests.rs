use std::collections::HashMap;
use std::sync::Mutex;

use super::*;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

/// Every spelling of an address of this machine or its networks that has been seen in the wild.
pub(crate) const INWARD: &[&str] = &[
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.1./",
    "http://①②⑦.⓪.⓪.①/",
    "http://127.0.0.2:8080/",
    "http://0/",
    "http://0.0.0.1/",
    "http://10.1.2.3/",
    "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[0:0:0:0:0:ffff:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2001:0:7f00:1::]/",
    "http://[fe80::1]/",
    "http://[fec0::1]/",
    "http://[fd00::1]/",
    "http://[ff02::1]/",
    "http://localhost/",
    "http://LOCALHOST./",
    "http://a.localhost/",
    "http://printer.local/",
    "http://metadata.google.internal/",
    "http://router.lan./",
    "http://waha:3000/",
    "file:///etc/passwd",
    "ftp://example.com/",
];

#[test]
fn no_spelling_leads_inward() {
    let outward = Outward::allowing::<&str>(&[]);
    for text in INWARD {
        assert_eq!(outward.judge(&url(text)), Err(NotPublic), "{text}");
    }
    for text in [
        "https://api.telegram.org/",
        "http://waha.example.com:3000/",
        "http://8.8.8.8/",
        "http://[2606:4700::1]/",
        "https://locallocalhost.example.com/",
        "https://notlocal.example/",
    ] {
        assert_eq!(outward.judge(&url(text)), Ok(()), "{text}");
    }
}

#[test]
fn what_the_operator_allows_is_compared_parsed() {
    let outward = Outward::allowing(&["WAHA", "10.0.0.5", "[::1]", "fd00::7", "gate.Example.com."]);
    for text in [
        "http://waha:3000/",
        "http://waha./",
        "http://10.0.0.5/",
        "http://0xa.5/",
        "http://[::ffff:10.0.0.5]/",
        "http://[0:0::1]:80/",
        "http://[fd00::7]/",
        "http://GATE.example.com/",
    ] {
        assert_eq!(outward.judge(&url(text)), Ok(()), "{text}");
    }
    for text in ["http://10.0.0.6/", "http://waha2/", "http://x.waha/", "http://127.0.0.1/", "ftp://waha/"] {
        let judged = outward.judge(&url(text));
        assert_eq!(judged.is_err(), text != "http://x.waha/", "{text}");
    }
    assert!(host("waha:3000").is_none() && host("http://waha").is_none() && host("").is_none());
}

#[derive(Default)]
struct Names(Mutex<HashMap<String, Vec<IpAddr>>>);

#[async_trait]
impl Lookup for Names {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.0.lock().unwrap().get(name).cloned().ok_or_else(|| io::Error::other("no such name"))
    }
}

#[tokio::test]
async fn a_name_means_only_its_public_addresses() {
    let names = Arc::new(Names::default());
    let outward = Outward::with_lookup(&["gate.example.com", "10.0.0.5"], Arc::clone(&names) as _);
    let set = |name: &str, addresses: &[&str]| {
        let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
        names.0.lock().unwrap().insert(name.into(), addresses);
    };
    set("both.example.com", &["127.0.0.1", "8.8.8.8", "::1", "::ffff:10.0.0.1", "2606:4700::1"]);
    let both: Vec<String> =
        outward.resolved("both.example.com").await.unwrap().iter().map(IpAddr::to_string).collect();
    assert_eq!(both, ["8.8.8.8", "2606:4700::1"]);
    set("inside.example.com", &["127.0.0.1", "fe80::1"]);
    let refused = outward.resolved("inside.example.com").await.unwrap_err();
    assert!(refused.is::<NotPublic>());
    set("gate.example.com", &["192.168.0.9"]);
    assert_eq!(outward.resolved("gate.example.com").await.unwrap().len(), 1);
    set("five.example.com", &["10.0.0.5", "10.0.0.6"]);
    assert_eq!(outward.resolved("five.example.com").await.unwrap().len(), 1);
    assert!(!outward.resolved("nowhere.example.com").await.unwrap_err().is::<NotPublic>());
}
