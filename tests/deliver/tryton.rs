//! Tryton on SQLite, in the long run only: its installation takes a minute of CPU.

use std::sync::Once;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Value, json};
use tempfile::TempDir;
use upturn_connectors::deliver::channel::Progress;
use upturn_connectors::deliver::{Channel, Letter};
use upturn_tests::proxy::{Proxy, Upstream};
use upturn_tests::shared::left_out;
use upturn_tests::target::Target;

use super::{channel, is_later, is_refused, letter, now, says_no_secret, secret};

struct Tryton {
    target: Target,
    folder: TempDir,
}

impl Tryton {
    fn start() -> Option<Self> {
        static SAID: Once = Once::new();
        if std::env::var_os("UPTURN_TEST_LONG").is_none() {
            left_out(&SAID, "Tryton; it is part of the long run (tests/run --long)");
            return None;
        }
        let target = Target::start("tryton", &[], &SAID)?;
        Some(Self { target, folder: TempDir::new().unwrap() })
    }

    fn settings(&self) -> Value {
        json!({
            "url": self.target.get("URL"), "employee": "seller",
            "key_file": secret(&self.folder, "key", self.target.get("KEY")),
        })
    }

    fn channel(&self) -> Box<dyn Channel> {
        channel("tryton", &self.settings())
    }

    /// Asks Tryton itself, as its users do.
    fn ask(&self, method: &str, path: &str) -> Value {
        let url = format!("{}/rest/model/{path}", self.target.get("URL"));
        let key = format!("Bearer {}", self.target.get("KEY"));
        let mut response = match method {
            "GET" => ureq::get(url).header("Authorization", key).call(),
            _ => ureq::post(url).header("Authorization", key).send_empty(),
        };
        let text = response.as_mut().unwrap().body_mut().read_to_string().unwrap();
        serde_json::from_str(&text).unwrap()
    }

    fn search(&self, model: &str, domain: &Value, fields: &[&str]) -> Vec<Value> {
        let domain = URL_SAFE.encode(domain.to_string());
        let fields: Vec<_> = fields.iter().map(|field| format!("&f={field}")).collect();
        let found = self.ask("GET", &format!("{model}?d={domain}{}", fields.concat()));
        found.as_array().unwrap().clone()
    }

    fn opportunities(&self, letter: &Letter) -> Vec<Value> {
        let domain = json!([["reference", "=", letter.reference()]]);
        let fields = ["state", "description", "amount", "party.code", "currency.code", "employee"];
        self.search("sale.opportunity", &domain, &fields)
    }
}

#[tokio::test]
async fn a_task_is_one_opportunity_whatever_happens_on_the_way() {
    let Some(tryton) = Tryton::start() else { return };
    let erp = tryton.channel();
    let said = erp.test(now()).await.unwrap();
    assert!(said.contains("employee is known") && said.contains("shipments can be read"), "{said}");
    assert_eq!(tryton.search("sale.opportunity", &json!([]), &["id"]).len(), 0, "nothing changed");

    let mut first = letter("task-created", "t1", "a");
    first.body["amount"] = json!("52000.10");
    let receipt = erp.send(&first, now()).await.unwrap();
    let remote = receipt.remote.clone().unwrap();
    assert!(erp.send(&first, now()).await.unwrap().was_there, "a repetition");
    assert_eq!(erp.find(&first).await.unwrap().unwrap().remote.as_deref(), Some(&*remote));
    let made = tryton.opportunities(&first);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["amount"]["decimal"], "52000.10");
    assert_eq!(
        (&made[0]["party"]["code"], &made[0]["state"]),
        (&json!("northside"), &json!("lead"))
    );
    assert_eq!(made[0]["description"], "新任务：连续三次充电失败（EVSE-0042）");

    // The answer to the creation is lost; what comes before it gets through.
    let port = tryton.target.get("URL").split([':', '/']).nth(4).unwrap().parse().unwrap();
    let line = Proxy::to(Upstream::Port(port));
    let mut settings = tryton.settings();
    settings["url"] = json!(format!("http://127.0.0.1:{}/upturn", line.port));
    let unsure = channel("tryton", &settings);
    let second = letter("task-created", "t2", "a");
    line.lose_answers_to("POST");
    let failure = unsure.send(&second, now()).await.unwrap_err();
    assert!(is_later(&failure), "{failure:?}");
    says_no_secret(tryton.target.get("KEY"), &*unsure, &failure);
    line.heal();
    assert_eq!(tryton.opportunities(&second).len(), 1, "it arrived");
    assert!(unsure.find(&second).await.unwrap().unwrap().was_there);
    assert!(unsure.send(&second, now()).await.unwrap().was_there);
    assert_eq!(tryton.opportunities(&second).len(), 1);

    // Requirements have a record and a reference of their own.
    let requirement = letter("requirement-created", "t1", "a");
    erp.send(&requirement, now()).await.unwrap();
    assert_eq!(tryton.opportunities(&requirement).len(), 1);
    assert_eq!(tryton.opportunities(&first).len(), 1);
}

#[tokio::test]
async fn later_letters_are_notes_and_what_ends_there_is_told() {
    let Some(tryton) = Tryton::start() else { return };
    let erp = tryton.channel();
    let mut remotes = Vec::new();
    for subject in ["t1", "t2", "t3"] {
        let receipt = erp.send(&letter("task-created", subject, "a"), now()).await.unwrap();
        remotes.push(receipt.remote.unwrap());
    }
    let mut amended = letter("task-amended", "t1", "b");
    amended.remote = Some(remotes[0].clone());
    assert_eq!(erp.find(&amended).await, Ok(None));
    assert!(!erp.send(&amended, now()).await.unwrap().was_there);
    assert!(erp.send(&amended, now()).await.unwrap().was_there, "a repetition");
    assert!(erp.find(&amended).await.unwrap().is_some());
    // Found by its reference where the id is not known.
    erp.send(&letter("task-contradicted", "t1", "c"), now()).await.unwrap();
    let notes = json!([["resource", "=", remotes[0]]]);
    assert_eq!(tryton.search("ir.note", &notes, &["message"]).len(), 2);

    // A person takes over the second and loses it; the third is taken back here.
    let path = |remote: &str| remote.replace(',', "/");
    tryton.ask("POST", &format!("{}/opportunity", path(&remotes[1])));
    let withdrawn = letter("task-withdrawn", "t2", "d");
    erp.send(&withdrawn, now()).await.unwrap();
    let states = erp.states(&remotes).await.unwrap();
    assert_eq!(states.len(), 3);
    assert!(states.iter().all(|state| state.progress == Progress::Open), "worked on: {states:?}");
    tryton.ask("POST", &format!("{}/lost", path(&remotes[1])));
    erp.send(&letter("task-withdrawn", "t3", "d"), now()).await.unwrap();
    for remote in &remotes[1..] {
        let states = erp.states(std::slice::from_ref(remote)).await.unwrap();
        assert_eq!(states[0].progress, Progress::Dismissed, "case: {remote}");
        assert!(states[0].at.is_some(), "case: {remote}");
    }
    tryton.ask("POST", &format!("{}/opportunity", path(&remotes[0])));
    tryton.ask("POST", &format!("{}/convert", path(&remotes[0])));
    let states = erp.states(&remotes[..1]).await.unwrap();
    assert_eq!(states[0].progress, Progress::Done);
    let gone = erp.send(&letter("task-withdrawn", "never", "d"), now()).await.unwrap();
    assert_eq!(gone.remote, None, "nothing to take back");
}

#[tokio::test]
async fn what_tryton_cannot_take_is_explained() {
    let Some(tryton) = Tryton::start() else { return };
    let erp = tryton.channel();
    let with = |account: &str| {
        let mut letter = letter("task-created", account, "a");
        letter.body["account"] = json!(account);
        letter
    };
    for (account, expected) in [("nobody", "no party with the code 'nobody'"), ("gone", "inactive")]
    {
        let failure = erp.send(&with(account), now()).await.unwrap_err();
        assert!(is_refused(&failure) && failure.to_string().contains(expected), "{failure}");
        assert_eq!(tryton.opportunities(&with(account)).len(), 0);
    }

    // A document that Tryton refuses; whether it keeps it or not, there is one record in the end.
    let mut settings = tryton.settings();
    settings["fields"] = json!({"currency": null});
    let letter = with("northside");
    let failure = channel("tryton", &settings).send(&letter, now()).await.unwrap_err();
    assert!(is_refused(&failure) && failure.to_string().contains("Currency"), "{failure}");
    let kept = tryton.opportunities(&letter).len();
    assert_eq!(erp.find(&letter).await.unwrap().is_some(), kept == 1);
    erp.send(&letter, now()).await.unwrap();
    assert_eq!(tryton.opportunities(&letter).len(), 1, "{kept} after the refusal");

    let canary = "f".repeat(128);
    let mut settings = tryton.settings();
    settings["key_file"] = json!(secret(&tryton.folder, "wrong", &canary));
    let wrong = channel("tryton", &settings);
    for failure in
        [wrong.test(now()).await.unwrap_err(), wrong.send(&letter, now()).await.unwrap_err()]
    {
        assert!(is_later(&failure) && failure.to_string().contains("401"), "{failure}");
        assert!(!failure.to_string().contains('<'), "no page: {failure}");
        says_no_secret(&canary, &*wrong, &failure);
    }
    let mut settings = tryton.settings();
    settings["employee"] = json!("nobody");
    let failure = channel("tryton", &settings).test(now()).await.unwrap_err();
    assert!(failure.to_string().contains("'nobody'"), "{failure}");
}

#[tokio::test]
async fn advice_is_one_internal_shipment() {
    let Some(tryton) = Tryton::start() else { return };
    let erp = tryton.channel();
    let mut advice = letter("advice-created", "a1", "a");
    advice.body = json!({
        "from": "STO", "to": "WEST", "product": "VENT-12", "quantity": "8",
        "ship_on": "2027-01-26", "arrive_on": "2027-01-27",
    });
    let receipt = erp.send(&advice, now()).await.unwrap();
    assert!(erp.send(&advice, now()).await.unwrap().was_there);
    let domain = json!([["reference", "=", "upturn:advice:a1"]]);
    let fields = ["state", "planned_start_date", "moves.quantity", "to_location.code"];
    let made = tryton.search("stock.shipment.internal", &domain, &fields);
    assert_eq!(made.len(), 1);
    assert_eq!(made[0]["moves"][0]["quantity"].to_string(), "8.0");
    assert_eq!(made[0]["planned_start_date"]["day"], 26);
    assert_eq!(made[0]["to_location"]["code"], "WEST");

    let remotes = [receipt.remote.unwrap()];
    erp.send(&letter("advice-withdrawn", "a1", "b"), now()).await.unwrap();
    let states = erp.states(&remotes).await.unwrap();
    assert_eq!(states[0].progress, Progress::Dismissed);

    advice.subject = "a2".to_owned();
    advice.body["product"] = json!("VENT-99");
    let failure = erp.send(&advice, now()).await.unwrap_err();
    assert!(is_refused(&failure) && failure.to_string().contains("VENT-99"), "{failure}");
}
