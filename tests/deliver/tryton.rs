//! Tryton on SQLite, in the long run only: its installation takes a minute of CPU.

use std::fs;
use std::sync::Once;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::{Value, json};
use tempfile::TempDir;
use upturn_connectors::deliver::channel::Progress;
use upturn_connectors::deliver::{Channel, Letter};
use upturn_connectors::http::Http;
use upturn_connectors::http::guard::Allowed;
use upturn_connectors::records::tryton::{Kind, Settings, Tryton as Books};
use upturn_tests::binary::run;
use upturn_tests::proxy::{Proxy, Upstream};
use upturn_tests::shared::left_out;
use upturn_tests::site::{Plan, Site};
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

    fn books(&self) -> Settings {
        let mut settings = self.settings();
        settings.as_object_mut().unwrap().remove("employee");
        serde_json::from_value(settings).unwrap()
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

    /// Makes or presses something as the company.
    fn post(&self, path: &str, body: &Value) -> i64 {
        let url = format!("{}/rest/model/{path}", self.target.get("URL"));
        let key = format!("Bearer {}", self.target.get("KEY"));
        let request = ureq::post(url).config().http_status_as_error(false).build();
        let request = request.header("Authorization", key);
        let request = request.header("X-Tryton-Context", URL_SAFE.encode("{\"company\": 1}"));
        let mut response = request.content_type("application/json").send(body.to_string()).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        let made: Value = serde_json::from_str(&text).unwrap_or_default();
        assert!(made["id"].is_i64(), "{path}: {text}");
        made["id"].as_i64().unwrap()
    }

    fn id(&self, model: &str, domain: &Value) -> i64 {
        self.search(model, domain, &["id"])[0]["id"].as_i64().unwrap()
    }

    /// Counts twelve ventilators into the store, and sells two.
    fn trade(&self) {
        let unit = self.id("product.uom", &json!([["name", "=", "Unit"]]));
        let store = self.id("stock.location", &json!([["code", "=", "STO"]]));
        let customer = self.id("party.party", &json!([["code", "=", "northside"]]));
        let product = self.id("product.product", &json!([["code", "=", "VENT-12"]]));
        let day = json!({"__class__": "date", "year": 2026, "month": 1, "day": 20});
        let price = json!({"__class__": "Decimal", "decimal": "18500.00"});
        let second = json!({"name": "Filter", "default_uom": unit, "type": "goods", "code": "FIL-1",
            "list_price": price, "products": [["create", [{}]]]});
        self.post("product.template", &second);
        let counted = json!({"location": store, "company": 1, "date": day,
            "lines": [["create", [{"product": product, "quantity": 12}]]]});
        let count = self.post("stock.inventory", &counted);
        self.post(&format!("stock.inventory/{count}/confirm"), &json!({}));
        let template =
            self.search("product.product", &json!([["id", "=", product]]), &["template"]);
        let template = template[0]["template"].as_i64().unwrap();
        let url = format!("{}/rest/model/product.template/{template}", self.target.get("URL"));
        let key = format!("Bearer {}", self.target.get("KEY"));
        let request = ureq::put(url).header("Authorization", key);
        let request = request.header("X-Tryton-Context", URL_SAFE.encode("{\"company\": 1}"));
        let salable = json!({"salable": true, "sale_uom": unit}).to_string();
        request.content_type("application/json").send(salable).unwrap();
        self.sell(customer);
    }

    /// Sells two ventilators to a party.
    fn sell(&self, customer: i64) {
        let unit = self.id("product.uom", &json!([["name", "=", "Unit"]]));
        let dollar = self.id("currency.currency", &json!([["code", "=", "USD"]]));
        let product = self.id("product.product", &json!([["code", "=", "VENT-12"]]));
        let day = json!({"__class__": "date", "year": 2026, "month": 1, "day": 20});
        let price = json!({"__class__": "Decimal", "decimal": "18500.00"});
        let place = self.post("party.address", &json!({"party": customer, "street": "Road 1"}));
        let sale = json!({"party": customer, "company": 1, "currency": dollar, "sale_date": day,
            "invoice_address": place, "shipment_address": place,
            "lines": [["create", [{"type": "line", "product": product, "unit": unit,
                "quantity": 2, "unit_price": price}]]]});
        let sale = self.post("sale.sale", &sale);
        for button in ["quote", "confirm"] {
            self.post(&format!("sale.sale/{sale}/{button}"), &json!({}));
        }
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

#[tokio::test]
async fn what_a_company_sells_and_stocks_comes_in_as_records() {
    let Some(tryton) = Tryton::start() else { return };
    tryton.trade();
    let http = Http::new(Allowed::new(["127.0.0.1".to_owned()])).unwrap();
    let books = Books::new(tryton.books(), &http).unwrap();
    let products = books.rows(Kind::Product, now()).await.unwrap();
    let names: Vec<_> = products.iter().map(|row| (&*row["id"], &*row["name"])).collect();
    assert_eq!(names, [("VENT-12", "Ventilator"), ("FIL-1", "Filter")]);
    let prices = books.rows(Kind::Price, now()).await.unwrap();
    let prices: Vec<_> = prices
        .iter()
        .map(|row| (&*row["product"], &*row["unit_price"], &*row["currency"]))
        .collect();
    assert_eq!(prices, [("FIL-1", "18500.00", "USD")]);
    let stock = books.rows(Kind::Stock, now()).await.unwrap();
    let there = stock.iter().find(|row| row["product"] == "VENT-12" && row["place"] == "STO");
    assert_eq!(there.unwrap()["on_hand"], "12");
    let orders = books.rows(Kind::Order, now()).await.unwrap();
    let [order] = &*orders else { panic!("{orders:?}") };
    assert_eq!((&*order["account"], &*order["amount"]), ("northside", "37000.00"));
}

#[tokio::test]
async fn parties_and_shipments_come_in_as_records() {
    let Some(tryton) = Tryton::start() else { return };
    tryton.trade();
    let northside = tryton.id("party.party", &json!([["code", "=", "northside"]]));
    let germany = json!({"name": "Germany", "code": "DE", "code3": "DEU", "code_numeric": "276"});
    let germany = tryton.post("country.country", &germany);
    tryton.post("party.address", &json!({"party": northside, "city": "Kiel", "country": germany}));
    for (kind, value, name) in [
        ("phone", "+49 30 1234567", json!(null)),
        ("email", "office@north.example", json!(null)),
        ("phone", "+49 30 7654321", json!("Ann Lee")),
        ("email", "ann@north.example", json!("Ann Lee")),
    ] {
        let means = json!({"party": northside, "type": kind, "value": value, "name": name});
        tryton.post("party.contact_mechanism", &means);
    }
    let place = |code: &str| tryton.id("stock.location", &json!([["code", "=", code]]));
    let (from, to) = (place("STO"), place("WEST"));
    let product = tryton.id("product.product", &json!([["code", "=", "VENT-12"]]));
    let unit = tryton.id("product.uom", &json!([["name", "=", "Unit"]]));
    let day = |day: u32| json!({"__class__": "date", "year": 2027, "month": 1, "day": day});
    let part = json!({"product": product, "unit": unit, "quantity": 3, "from_location": from,
        "to_location": to, "company": 1});
    let shipment = json!({"from_location": from, "to_location": to,
        "planned_start_date": day(26), "planned_date": day(27), "company": 1, "moves": [["create", [part]]]});
    let shipment = tryton.post("stock.shipment.internal", &shipment);
    for button in ["wait", "assign_try", "do"] {
        tryton.post(&format!("stock.shipment.internal/{shipment}/{button}"), &json!({}));
    }

    let http = Http::new(Allowed::new(["127.0.0.1".to_owned()])).unwrap();
    let books = Books::new(tryton.books(), &http).unwrap();
    let accounts = books.rows(Kind::Account, now()).await.unwrap();
    let ids: Vec<_> = accounts.iter().map(|row| &*row["id"]).collect();
    assert_eq!(ids, ["northside", "gone"], "neither the company nor who works there");
    let known =
        ["name", "country", "credit_code", "phone", "email"].map(|name| &*accounts[0][name]);
    let expected = [
        "Northside Charging",
        "DE",
        "91110000600037341L",
        "+49 30 1234567",
        "office@north.example",
    ];
    assert_eq!(known, expected);
    let contacts = books.rows(Kind::Contact, now()).await.unwrap();
    let people: Vec<_> = contacts
        .iter()
        .map(|row| ["account", "name", "phone", "email"].map(|name| &*row[name]))
        .collect();
    assert_eq!(people, [["northside", "Ann Lee", "+49 30 7654321", "ann@north.example"]]);
    let shipments = books.rows(Kind::Shipment, now()).await.unwrap();
    let told: Vec<_> = shipments
        .iter()
        .map(|row| ["product", "quantity", "from", "to", "expected_on"].map(|name| &*row[name]))
        .collect();
    assert_eq!(told, [["VENT-12", "3", "STO", "WEST", "2027-01-27"]], "{shipments:?}");
}

#[tokio::test]
async fn ones_own_people_are_customers_once_they_have_bought_something() {
    let Some(tryton) = Tryton::start() else { return };
    tryton.trade();
    let http = Http::new(Allowed::new(["127.0.0.1".to_owned()])).unwrap();
    let books = Books::new(tryton.books(), &http).unwrap();
    let employee = tryton.search("company.employee", &json!([]), &["party"])[0]["party"].clone();
    let employee = employee.as_i64().or_else(|| employee["id"].as_i64()).unwrap();
    tryton.sell(employee);
    let accounts = books.rows(Kind::Account, now()).await.unwrap();
    assert_eq!(accounts.len(), 3, "{accounts:?}");
    let orders = books.rows(Kind::Order, now()).await.unwrap();
    let is_there = |id: &str| accounts.iter().any(|row| row["id"] == id);
    assert!(orders.iter().all(|row| is_there(&row["account"])), "{orders:?}");
}

#[test]
fn records_are_taken_in_once_and_none_where_a_row_is_wrong() {
    let Some(tryton) = Tryton::start() else { return };
    tryton.trade();
    let settings = tryton.books();
    let site = Site::install(&Plan::default());
    let registry = site.folder.path().join("accounts");
    fs::create_dir(&registry).unwrap();
    fs::write(registry.join("accounts.csv"), "id,name,consent\nnorthside,North,yes\n").unwrap();
    let registry = registry.display();
    site.configure(&format!(
        "[registry]\ndir = \"{registry}\"\n[http]\nallow_private = [\"127.0.0.1\"]\n"
    ));
    let document = site.folder.path().join("tryton.toml");
    let (url, key) = (&settings.url, settings.key_file.display());
    let text = format!("kind = \"tryton\"\nurl = \"{url}\"\nkey_file = \"{key}\"\n");
    fs::write(&document, text).unwrap();
    let document = document.to_str().unwrap();
    let sync = |more: &'static str| {
        let output = run(site.command(["records", "sync", document, more, "--json"]), "");
        let told: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code(), told, output)
    };
    let (code, looked, output) = sync("--dry-run");
    assert_eq!(code, Some(0), "{output:?}");
    let new = |at: usize| (&looked["kinds"][at]["kind"], &looked["kinds"][at]["examined"]["new"]);
    assert_eq!(new(0), (&json!("account"), &json!(2)));
    assert_eq!(new(1), (&json!("product"), &json!(2)));
    assert_eq!(looked["not_looked_at"], json!(["contact", "price", "stock", "order", "shipment"]));
    let (code, taken, output) = sync("--allow-change=name");
    assert_eq!(code, Some(0), "{output:?}");
    let written = |told: &Value| -> Vec<Value> {
        let kinds = told["kinds"].as_array().unwrap();
        kinds.iter().map(|one| one["examined"]["written"].clone()).collect()
    };
    let places = taken["kinds"][3]["examined"]["rows"].clone();
    assert_eq!(written(&taken), [json!(2), json!(2), json!(1), places, json!(1)], "{taken:#}");
    let listed = run(site.command(["records", "list", "account"]), "");
    let listed = String::from_utf8(listed.stdout).unwrap();
    let kept = listed.lines().find(|line| line.contains("northside")).unwrap();
    assert!(kept.contains("Northside Charging") && kept.contains("yes"), "consent stays: {kept}");
    let listed = run(site.command(["records", "list", "order"]), "");
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((&listed["account"], &listed["quantity"]), (&json!("northside"), &json!("2")));

    let unit = tryton.id("product.uom", &json!([["name", "=", "Unit"]]));
    let nameless = json!({"name": "Nameless", "default_uom": unit, "type": "goods",
        "products": [["create", [{}]]]});
    tryton.post("product.template", &nameless);
    let (code, wrong, _) = sync("--allow-change=name");
    let first = &wrong["kinds"][1]["examined"];
    assert_eq!((code, &first["written"]), (Some(65), &Value::Null), "{wrong:#}");
    assert_eq!(first["wrong"][0]["message"], "'id' is empty; fill it in");
}
