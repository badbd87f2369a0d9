//! Feeds that lie, break, swell and lead astray: each comes to its word with a reason for people, and
//! nobody inside is called.

use std::io::Write as _;

use axum::http::HeaderName;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use upturn_core::fact::Fact;

use crate::pulled::{GENEROUS, SHORT, Setup};
use crate::server::{Asked, Server, endless, never, say, stuck, torn, with};

/// A name, an answer, the word, and what the reason says.
struct Case(&'static str, fn(&Asked) -> Response, &'static str, &'static str);

const CASES: &[Case] = &[
    Case("good", |_| say(200, rates(EUR, DAY)), "accept", ""),
    Case("a byte order mark", |_| say(200, format!("\u{feff}{}", rates(EUR, DAY))), "accept", ""),
    Case("packed", |_| packed(rates(EUR, DAY).as_bytes(), usize::MAX), "accept", ""),
    Case(
        "codes that are none",
        |_| say(200, rates(r#""EUR":1.08,"CNY":7.2,"<b>":1"#, DAY)),
        "accept",
        "",
    ),
    // Values.
    Case("a rate of 0", |_| say(200, rates(r#""EUR":0"#, DAY)), "reject", "/rates/EUR"),
    Case("a negative rate", |_| say(200, rates(r#""EUR":-1.08"#, DAY)), "reject", "/rates/EUR"),
    Case("NaN", |_| say(200, rates(r#""EUR":"NaN""#, DAY)), "reject", "is no number"),
    Case("null", |_| say(200, rates(r#""EUR":null"#, DAY)), "reject", "it is null"),
    Case("1e308", |_| say(200, rates(r#""EUR":1e308"#, DAY)), "reject", "/rates/EUR"),
    Case("a comma", |_| say(200, rates(r#""EUR":"1,08""#, DAY)), "reject", "/rates/EUR"),
    Case("twice", |_| say(200, rates(r#""EUR":1.08,"EUR":1.8"#, DAY)), "reject", "stands twice"),
    Case("no rates", |_| say(200, rates("", DAY)), "reject", "it has no rates"),
    Case("no day", |_| say(200, r#"{"base":"USD","rates":{"EUR":1.08}}"#), "reject", "no day"),
    Case("ten times", |_| say(200, rates(r#""EUR":10.8,"CNY":7.2"#, DAY)), "hold", "by 900 %"),
    Case(
        "turned round",
        |_| say(200, rates(r#""EUR":1.08,"CNY":0.1389"#, DAY)),
        "hold",
        "it looks turned round",
    ),
    Case("half a table", |_| say(200, rates(r#""EUR":1.08"#, DAY)), "hold", "USD/CNY"),
    Case(
        "another base",
        |_| say(200, rates(EUR, DAY).replace("USD", "GBP")),
        "hold",
        "its base has changed",
    ),
    Case("an older day", |_| say(200, rates(EUR, "2026-01-19")), "hold", "before the set in force"),
    Case("days old", |_| say(200, rates(EUR, "2026-01-16")), "hold", "newer ones should be out"),
    Case("a year old", |_| say(200, rates(EUR, "2025-01-16")), "reject", "days ago"),
    Case("to come", |_| say(200, rates(EUR, "2026-01-23")), "reject", "yet to come"),
    // Documents.
    Case("cut", |_| say(200, r#"{"base":"USD","date":"2026-01"#), "keep", "EOF"),
    Case("nothing", |_| say(200, ""), "keep", "is empty"),
    Case("blanks", |_| say(200, " \n"), "keep", "it is empty"),
    Case(
        "a web page",
        |_| say(200, "<!DOCTYPE html><html><title>Sign in</title>"),
        "keep",
        "web page and no feed; its title is 'Sign in'",
    ),
    Case(
        "an error with 200",
        |_| say(200, r#"{"success":false,"error":"limit"}"#),
        "keep",
        "limit",
    ),
    Case("no UTF-8", |_| say(200, &b"{\"base\": \"\xff\""[..]), "keep", "no text in UTF-8"),
    Case("deep", |_| say(200, "[".repeat(100_000)), "cap", "64 levels"),
    // Transport.
    Case("204", |_| say(204, ""), "keep", "204"),
    Case("304, though nobody asked", |_| say(304, ""), "keep", "304"),
    Case("401", |_| say(401, "<html><title>Who?</title>"), "keep", "check the feed's key"),
    Case("404", |_| say(404, "gone"), "keep", "check the feed's address: gone"),
    Case("429", |_| with(say(429, ""), "retry-after", "120"), "backoff", "(after 120 s)"),
    Case("500", |_| say(500, "oops\u{0}\n\u{1b}[31m"), "backoff", "it is asked again later: oops"),
    Case("503 for a year", |_| with(say(503, ""), "retry-after", "31536000"), "backoff", "3600 s"),
    Case("999", |_| say(999, ""), "keep", "999"),
    Case("never", |_| never(), "timeout", "did not answer within 1s"),
    Case("stuck", |_| say(200, stuck("{")), "timeout", "did not answer within 1s"),
    Case("torn", |_| say(200, torn("{\"base\"")), "keep", "cannot be reached"),
    Case("endless", |_| say(200, endless()), "cap", "more than 8388608 bytes"),
    Case(
        "10 GB announced",
        |_| with(say(200, endless()), "content-length", "10000000000"),
        "cap",
        "more than 8388608 bytes",
    ),
    Case("a thousand headers", |_| heads(), "cap", "more headers than are read"),
    // Packing.
    Case("a bomb", |_| packed(&vec![b' '; 4 << 20], usize::MAX), "cap", "unpacks to more than"),
    Case("half packed", |_| packed(rates(EUR, DAY).as_bytes(), 30), "keep", "cannot be unpacked"),
    Case(
        "not packed",
        |_| with(say(200, rates(EUR, DAY)), "content-encoding", "gzip"),
        "keep",
        "cannot be unpacked",
    ),
    Case(
        "packed as nobody asked",
        |_| with(say(200, "x"), "content-encoding", "br"),
        "keep",
        "nobody asked for",
    ),
    // Leading astray. `x-canary` has the port of a neighbour.
    Case(
        "another port",
        |asked| lead(asked, "http://127.0.0.1:{}/"),
        "refuse",
        "for settings to name",
    ),
    Case("a decimal address", |asked| lead(asked, "http://2130706433:{}/"), "refuse", "to name"),
    Case("a hexadecimal one", |asked| lead(asked, "http://0x7f000001:{}/"), "refuse", "to name"),
    Case(
        "localhost",
        |asked| lead(asked, "http://localhost:{}/"),
        "refuse",
        "not a public address",
    ),
    Case("a mapped one", |asked| lead(asked, "http://[::ffff:127.0.0.1]:{}/"), "refuse", "public"),
    Case(
        "a translated one",
        |asked| lead(asked, "http://[64:ff9b::7f00:1]:{}/"),
        "refuse",
        "public",
    ),
    Case("0.0.0.0", |asked| lead(asked, "http://0.0.0.0:{}/"), "refuse", "not a public address"),
    Case("metadata", |asked| lead(asked, "http://169.254.169.254/"), "refuse", "public address"),
    Case("a name in it", |asked| lead(asked, "http://u@127.0.0.1:{}/"), "refuse", "without a name"),
    Case(
        "a file",
        |asked| lead(asked, "file:///etc/passwd"),
        "refuse",
        "only http:// and https://",
    ),
    Case("a circle", |asked| lead(asked, "?again"), "cap", "more than 5 times"),
    Case("nowhere", |_| say(302, ""), "keep", "does not say where"),
    Case("no address", |asked| lead(asked, "http://[::"), "keep", "no address"),
];

const DAY: &str = "2026-01-20";
const EUR: &str = r#""EUR":1.0800,"CNY":7.2"#;

fn rates(rates: &str, day: &str) -> String {
    format!(r#"{{"base":"USD","date":"{day}","rates":{{{rates}}}}}"#)
}

fn packed(bytes: &[u8], max: usize) -> Response {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(bytes).unwrap();
    let mut packed = packed.finish().unwrap();
    packed.truncate(max);
    with(say(200, packed), "content-encoding", "gzip")
}

fn heads() -> Response {
    let mut answer = say(200, rates(EUR, DAY));
    for number in 0..1_000 {
        let name = HeaderName::try_from(format!("x-{number}")).unwrap();
        answer.headers_mut().insert(name, "x".parse().unwrap());
    }
    answer
}

/// A redirect to `place`, in which `{}` is the canary's port.
fn lead(asked: &Asked, place: &str) -> Response {
    with(say(302, ""), "location", &place.replace("{}", asked.header("x-canary")))
}

async fn set_up() -> (Server, Server) {
    let canary = Server::start(|_| say(200, rates(EUR, DAY))).await;
    let server = Server::start(|asked| {
        let index: usize = asked.uri.path().trim_matches('/').parse().unwrap();
        CASES[index].1(asked)
    })
    .await;
    (server, canary)
}

fn setup(server: &Server, canary: &Server, case: usize) -> Setup {
    let mut setup = Setup::new("frankfurter", &format!("{}/{case}", server.url));
    let port = canary.url.rsplit(':').next().unwrap();
    setup.source.headers.insert("x-canary".to_owned(), port.to_owned());
    setup
}

#[tokio::test]
async fn whatever_a_server_does_a_pull_comes_to_a_word_with_a_reason() {
    let (server, canary) = set_up().await;
    let last: Vec<Fact> = setup(&server, &canary, 0).facts().await;
    for (case, Case(name, _, word, says)) in CASES.iter().enumerate() {
        let wait = if *word == "timeout" { SHORT } else { GENEROUS };
        let setup = Setup { wait, ..setup(&server, &canary, case) };
        let (found, why) = setup.outcome(&last).await;
        assert_eq!(found, *word, "case: {name}: {why}");
        assert!(why.contains(says), "case: {name}: {why}");
        assert!(!why.contains(['\n', '\u{0}', '\u{1b}']) && why.len() < 500, "case: {name}: {why}");
    }
    assert!(canary.asked().is_empty(), "{:?}", canary.lines());
}

#[tokio::test]
async fn rubbish_instead_of_http_and_nobody_there_are_told_apart() {
    for bytes in [&b"rubbish\r\n\r\n"[..], b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"] {
        let server = Server::raw(bytes).await;
        let (word, why) = Setup::new("ecb", &server.url).outcome(&[]).await;
        assert_eq!(word, "keep", "case: {bytes:?}: {why}");
    }
    // Port 1 has nobody.
    let (word, why) = Setup::new("ecb", "http://127.0.0.1:1/").outcome(&[]).await;
    assert_eq!(word, "backoff", "{why}");
}

#[tokio::test]
async fn a_name_is_judged_by_what_it_resolves_to() {
    // This machine's own name is in its list of hosts; where it is not, it has no address.
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() || name == "localhost" {
        return;
    }
    let (_, canary) = set_up().await;
    let port = canary.url.rsplit(':').next().unwrap();
    let server = Server::start({
        let place = format!("http://{name}:{port}/");
        move |_| with(say(302, ""), "location", &place)
    })
    .await;
    for address in [format!("http://{name}:{port}/"), server.url.clone()] {
        let (word, why) = Setup::new("ecb", &address).outcome(&[]).await;
        let resolves = tokio::net::lookup_host((name, 0)).await.is_ok();
        assert_eq!(word, if resolves { "refuse" } else { "backoff" }, "case: {address}: {why}");
    }
    assert!(canary.asked().is_empty(), "{:?}", canary.lines());
}

#[tokio::test]
async fn settings_cannot_name_what_is_inside() {
    let cases = [
        ("http://10.0.0.1/", "refuse"),
        ("http://[::ffff:169.254.169.254]/", "refuse"),
        ("http://localhost/", "refuse"),
        ("file:///etc/passwd", "refuse"),
        ("https://u:p@a.example/", "refuse"),
        ("no address", "settings"),
        ("http://a.example/?k={key}", "settings"),
    ];
    for (address, expected) in cases {
        let setup = Setup::new("ecb", address).with_secret("key", "S3CR3T");
        let (word, why) = setup.outcome(&[]).await;
        assert_eq!(word, expected, "case: {address}: {why}");
        assert!(!why.contains("S3CR3T"), "case: {address}: {why}");
    }
}

#[tokio::test]
async fn no_message_repeats_a_secret() {
    let echo = |asked: &Asked| {
        let said = format!("{} {}", asked.uri, asked.header("authorization"));
        match asked.uri.path().split('/').nth(1).unwrap() {
            "200" => say(200, format!(r#"{{"message":"{said}"}}"#)),
            "302" => with(say(302, ""), "location", &format!("ftp://a.example/{said}")),
            status => say(status.parse().unwrap(), said),
        }
    };
    let server = Server::start(echo).await;
    for status in ["200", "302", "401", "500"] {
        let address = format!("{}/{status}/{{key}}?app_id={{key}}", server.url);
        let mut setup = Setup::new("frankfurter", &address).with_secret("key", "S3C&R3T");
        setup.source.headers.insert("authorization".to_owned(), "Bearer {key}".to_owned());
        let (word, why) = setup.outcome(&[]).await;
        assert!(matches!(&*word, "keep" | "backoff" | "refuse"), "case: {status}: {word} {why}");
        assert!(!why.contains("S3C"), "case: {status}: {why}");
    }
    let asked = server.asked();
    assert_eq!(asked.len(), 4);
    assert!(
        asked.iter().all(|asked| asked.uri.path().ends_with("/S3C%26R3T")),
        "sent all the same"
    );
    assert!(asked.iter().all(|asked| asked.header("authorization") == "Bearer S3C&R3T"));
}
