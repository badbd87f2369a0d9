//! Bots of chat groups: their signatures, their codes, and what a message says.

use std::time::Duration;

use serde_json::{Value, json};
use upturn_connectors::deliver::wecom::Format;
use upturn_connectors::deliver::{Failure, dingtalk, feishu, wecom};
use upturn_connectors::secret::Secret;

use crate::channels::{self, Site, letter, now};
use crate::server::{self, Server};

#[test]
fn signatures_are_those_that_were_recorded() {
    let text = include_str!("../data/chat-bot-signatures.json");
    let vectors: Vec<Value> = serde_json::from_str(text).unwrap();
    let secret = |vector: &Value| Secret::from(vector["secret"].as_str().unwrap().to_owned());
    let [ding, fei] = &vectors[..] else { panic!("two vectors") };

    let at = ding["timestamp_ms"].as_str().unwrap();
    let signed = dingtalk::sign(&secret(ding), at).unwrap();
    let escaped: String = url::form_urlencoded::byte_serialize(signed.as_bytes()).collect();
    assert_eq!(escaped, ding["expect_sign_urlencoded"].as_str().unwrap());

    let at = fei["timestamp_s"].to_string();
    assert_eq!(feishu::sign(&secret(fei), &at).unwrap(), fei["expect_sign"].as_str().unwrap());
}

#[tokio::test]
async fn posts_are_signed_as_of_now() {
    let server = Server::start(|asked| {
        let kind = if asked.uri.path() == "/robot/send" { "dingtalk" } else { "feishu" };
        channels::good(kind, asked)
    });
    let server = server.await;
    let site = Site::new(&server.url);
    site.channel("dingtalk").send(&letter("task-created"), now()).await.unwrap();
    site.channel("feishu").send(&letter("task-created"), now()).await.unwrap();

    let asked = server.asked();
    let query = asked[0].uri.query().unwrap();
    let secret = Secret::from("SECS3CR3T-canary".to_owned());
    let sign = dingtalk::sign(&secret, "1795345200000").unwrap();
    let sign: String = url::form_urlencoded::byte_serialize(sign.as_bytes()).collect();
    let expected = format!("access_token=S3CR3T-canary&timestamp=1795345200000&sign={sign}");
    assert_eq!(query, expected);
    let body = asked[1].json();
    let secret = Secret::from("S3CR3T-canary-key".to_owned());
    assert_eq!(body["timestamp"], "1795345200");
    assert_eq!(body["sign"], feishu::sign(&secret, "1795345200").unwrap());
}

#[test]
fn messages_are_harmless_and_name_their_letter() {
    let title = "New task: charging failed";
    let device = "Device: ＜at user_id=\"all\"＞＠all ［x］(https：//evil.example)";
    let link = "https://upturn.example/tasks/t1";
    let text = format!("{title}\n{device}\n{link}\n#01234567");
    let letter = letter("task-created");

    let expected = json!({"msgtype": "text", "text": {"content": text}});
    assert_eq!(wecom::compose(Format::Text, &letter), expected);
    let marked = format!("**{title}**\n{device}\n[#01234567]({link})");
    let expected = json!({"msgtype": "markdown", "markdown": {"content": marked}});
    assert_eq!(wecom::compose(Format::Markdown, &letter), expected);

    let at = json!({"atMobiles": [], "atUserIds": [], "isAtAll": false});
    let expected = json!({"msgtype": "text", "text": {"content": text}, "at": at});
    assert_eq!(dingtalk::compose(Format::Text, &letter), expected);
    let marked = marked.replace('\n', "  \n");
    let expected =
        json!({"msgtype": "markdown", "markdown": {"title": title, "text": marked}, "at": at});
    assert_eq!(dingtalk::compose(Format::Markdown, &letter), expected);

    let content = json!([
        [{"tag": "text", "text": device}],
        [{"tag": "a", "text": "#01234567", "href": link}],
    ]);
    let post = json!({"zh_cn": {"title": title, "content": content}});
    assert_eq!(feishu::compose(&letter), json!({"msg_type": "post", "content": {"post": post}}));
}

#[test]
fn messages_keep_to_the_bounds_of_each_product() {
    let mut letter = letter("task-created");
    for sign in ["\"", "\\", "充", "\u{1f50c}", "a\n", "@"] {
        letter.text.plain = sign.repeat(100_000);
        letter.text.title = sign.trim().repeat(10_000);
        let content =
            |body: Value, parts: [&str; 2]| body[parts[0]][parts[1]].as_str().unwrap().len();
        let text = content(wecom::compose(Format::Text, &letter), ["text", "content"]);
        assert!(text <= 2_048, "WeCom text of {sign:?}: {text}");
        let markdown = content(wecom::compose(Format::Markdown, &letter), ["markdown", "content"]);
        assert!(markdown <= 4_096, "WeCom Markdown of {sign:?}: {markdown}");
        for format in [Format::Text, Format::Markdown] {
            let body = dingtalk::compose(format, &letter).to_string().len();
            assert!(body <= 20_000, "DingTalk {format:?} of {sign:?}: {body}");
        }
        let body = feishu::compose(&letter).to_string().len();
        assert!(body <= 20_000, "Feishu of {sign:?}: {body}");
    }
}

/// What follows a code: how it is named, with the pause.
fn follows(failure: &Failure) -> (&'static str, Option<Duration>) {
    match failure {
        Failure::Later { after, .. } => ("later", *after),
        Failure::Refused { .. } => ("refused", None),
        Failure::Off { .. } => ("off", None),
    }
}

/// A bot's answer: of which product, with which status, code and sentence, and what follows.
struct Code(&'static str, u16, i64, &'static str, &'static str, u64);

const CODES: &[Code] = &[
    Code("wecom", 200, 45_009, "api freq out of limit", "later", 1),
    Code("wecom", 200, 93_000, "invalid webhook url", "later", 0),
    Code("wecom", 200, 44_004, "empty content", "refused", 0),
    Code("wecom", 200, -1, "system busy", "later", 0),
    Code("wecom", 200, 999_999, "never heard of", "later", 0),
    Code("wecom", 500, 0, "ok", "later", 0),
    Code("dingtalk", 200, 130_101, "send too fast", "later", 10),
    Code("dingtalk", 200, 310_000, "sign not match", "later", 0),
    Code("dingtalk", 200, 300_001, "token is not exist", "later", 0),
    Code("dingtalk", 200, 400_013, "group dissolved", "off", 0),
    Code("dingtalk", 200, 430_102, "unwanted words", "refused", 0),
    Code("feishu", 200, 9_499, "Bad Request", "refused", 0),
    Code("feishu", 400, 11_232, "frequency limited", "later", 1),
    Code("feishu", 200, 19_021, "sign match fail", "later", 0),
    Code("feishu", 200, 19_001, "incoming webhook access token invalid", "later", 0),
];

#[tokio::test]
async fn success_with_a_code_of_failure_is_a_failure() {
    for Code(kind, status, code, said, follow, minutes) in CODES {
        let (code, said, status) = (*code, *said, *status);
        let server = Server::start(move |_| match *kind {
            "feishu" => server::json(status, &json!({"code": code, "msg": said, "data": {}})),
            _ => server::json(status, &json!({"errcode": code, "errmsg": said})),
        });
        let server = server.await;
        let channel = Site::new(&server.url).channel(kind);
        let failure = channel.send(&letter("task-created"), now()).await.unwrap_err();
        let pause = Some(Duration::from_mins(*minutes)).filter(|pause| !pause.is_zero());
        assert_eq!(follows(&failure), (*follow, pause), "{kind}: {code}: {failure}");
        assert!(failure.to_string().contains(said), "{kind}: {code}: {failure}");
        assert_eq!(server.lines().len(), 1, "{kind}: {code}");
    }
    let old = json!({"StatusCode": 19_024, "StatusMessage": "Key Words Not Found"});
    for said in [json!({"code": "0"}), old] {
        let server = Server::start(move |_| server::json(200, &said)).await;
        let channel = Site::new(&server.url).channel("feishu");
        let failure = channel.send(&letter("task-created"), now()).await.unwrap_err();
        assert_eq!(follows(&failure), ("later", None));
    }
    for said in [json!({"code": 0}), json!({"StatusCode": 0, "StatusMessage": "success"})] {
        let server = Server::start(move |_| server::json(200, &said)).await;
        let channel = Site::new(&server.url).channel("feishu");
        channel.send(&letter("task-created"), now()).await.unwrap();
    }
}

#[tokio::test]
async fn a_test_posts_nothing_and_tells_keys_from_messages() {
    let cases = [
        ("wecom", json!({"errcode": 44_004, "errmsg": "empty content"}), true),
        ("wecom", json!({"errcode": 93_000, "errmsg": "invalid webhook url"}), false),
        ("dingtalk", json!({"errcode": 40_035, "errmsg": "missing parameter"}), true),
        ("dingtalk", json!({"errcode": 310_000, "errmsg": "sign not match"}), false),
        ("feishu", json!({"code": 19_002, "msg": "params error"}), true),
        ("feishu", json!({"code": 19_001, "msg": "token invalid"}), false),
    ];
    for (kind, said, is_good) in cases {
        let answer = said.clone();
        let server = Server::start(move |_| server::json(200, &answer)).await;
        let tried = Site::new(&server.url).channel(kind).test(now()).await;
        assert_eq!(tried.is_ok(), is_good, "{kind}: {said}: {tried:?}");
        let body = server.asked()[0].json();
        let content = body.pointer("/text/content").or_else(|| body.pointer("/content/text"));
        assert!(content.is_none_or(|content| content == ""), "{kind}: {body}");
    }
}

#[test]
fn a_bot_needs_its_address() {
    let site = Site::new("https://chat.example");
    let cases = [
        (json!({}), "url_file"),
        (json!({"url_file": site.path().join("none")}), "cannot be read"),
        (json!({"url_file": site.file("empty", "\n")}), "cannot be read"),
        (json!({"url_file": site.file("words", "S3CR3T")}), "relative URL"),
        (json!({"url_file": site.file("plain", "http://chat.example/S3CR3T")}), "https://"),
    ];
    for (settings, expected) in cases {
        for kind in ["wecom", "dingtalk", "feishu"] {
            let error = channels::build(kind, &settings).unwrap_err();
            assert!(error.0.contains(expected), "{kind}: {settings}: {error}");
            assert!(!error.0.contains("S3CR3T"), "{kind}: {error}");
        }
    }
}
