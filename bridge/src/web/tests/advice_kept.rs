//! Whatever plans come and whatever people do between them: one piece of each need stands, what takes its
//! place names it, and what was agreed on is never moved.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::api::get;
use super::site::{Answer, Site, bearer};
use super::writer::with_writer;
use crate::auth::person::Profile;
use crate::auth::role::Role;
use crate::runtime::request::Request;
use crate::stock::kept::{Kept, testing};
use crate::stock::plan::{Comparison, NewPlan};
use crate::stock::step::{Step, Stepped};
use crate::stock::view::View;
use crate::store::advice::{self, AdviceState};

const LOGISTICS: &str = "logistics";

/// What is needed: an item, where, and from whom; how much, and the day in January it has to leave.
type Need = ((u8, u8, u8), (u32, u32));

#[derive(Clone, Debug)]
enum Act {
    /// A plan, of what is so or of what was so before.
    Plan { needs: BTreeMap<(u8, u8, u8), (u32, u32)>, is_stale: bool },
    /// A person does something with one of the pieces, as it is or as it was.
    Person { which: usize, verb: &'static str, quantity: u32, is_stale: bool },
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let need = ((0_u8..2, 0_u8..2, 0_u8..2), (1_u32..4, 20_u32..23));
    let needs = prop::collection::btree_map(need.0, need.1, 0..6);
    let plan = (needs, prop::bool::weighted(0.1))
        .prop_map(|(needs, is_stale)| Act::Plan { needs, is_stale });
    let verbs = prop::sample::select(vec!["firm", "edit", "snooze", "reject", "ship", "release"]);
    let person = (any::<usize>(), verbs, 1_u32..5, prop::bool::weighted(0.1));
    let person = person.prop_map(|(which, verb, quantity, is_stale)| Act::Person {
        which,
        verb,
        quantity,
        is_stale,
    });
    prop::collection::vec(prop_oneof![plan, person], 1..24)
}

/// Returns what a plan says of `need`.
fn piece(((item, to, from), (quantity, day)): Need) -> Kept<'static> {
    let names = [format!("P{item}"), format!("S{to}"), format!("S{from}")];
    let ship_on = format!("2025-01-{day}");
    testing::one([&names[0], &names[1], &names[2]], &names.join("/"), (quantity, &ship_on))
}

/// Returns all pieces by their ids.
async fn all(site: &Site) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for state in AdviceState::ALL {
        let path = format!("/api/v1/advice?limit=500&state={}", state.word());
        let listed = get(site, &path).await.json();
        for one in listed["advice"].as_array().unwrap() {
            all.insert(one["id"].as_str().unwrap().to_owned(), one.clone());
        }
    }
    all
}

async fn plan(site: &Site, needs: &BTreeMap<(u8, u8, u8), (u32, u32)>, is_stale: bool) -> Stepped {
    let revision = advice::plan_state(&site.store).await.unwrap().revision;
    let today = "2025-01-15".parse().unwrap();
    let standing = advice::standing(&site.store, today).await.unwrap();
    let draft = NewPlan { revision: revision - i64::from(is_stale), ..NewPlan::default() };
    let mut comparison = Comparison::of(draft, standing);
    comparison.take(needs.iter().map(|(need, what)| piece((*need, *what))).collect());
    let (new, mut after) = comparison.finish();
    let step = Step::Plan(Box::new(new));
    let (reply, answer) = oneshot::channel();
    site.asks.send(Request::Advice { step, reply }).await.unwrap();
    let stepped = answer.await.unwrap();
    if stepped == Stepped::Done {
        after.sort_by(|a, b| a.id.cmp(&b.id));
        let stored = advice::standing(&site.store, today).await.unwrap();
        assert_eq!(after, stored, "the planner knows what stands without reading it again");
    }
    stepped
}

async fn act(site: &Site, one: &Value, verb: &str, (quantity, is_stale): (u32, bool)) -> Answer {
    let revision = one["revision"].as_i64().unwrap() - i64::from(is_stale);
    let mut body = json!({ "revision": revision });
    match verb {
        "firm" | "edit" => body["quantity"] = json!(quantity),
        "snooze" => body["until"] = json!("2025-04-01"),
        "reject" => body["reason"] = json!("not wanted"),
        _ => {}
    }
    let path = format!("/api/v1/advice/{}/{verb}", one["id"].as_str().unwrap());
    let headers = [("authorization", &*bearer(LOGISTICS)), ("content-type", "application/json")];
    site.call("POST", &path, &headers, &body.to_string()).await
}

fn waits(one: &Value) -> bool {
    one["state"] == "open" || one["state"] == "snoozed"
}

/// Checks what a plan of `needs` has made of `before`.
fn check(
    needs: &BTreeMap<(u8, u8, u8), (u32, u32)>,
    before: &BTreeMap<String, Value>,
    after: &BTreeMap<String, Value>,
) {
    let views: BTreeMap<String, View> = needs
        .iter()
        .map(|(need, what)| piece((*need, *what)).told())
        .map(|view| (view.key.clone(), view))
        .collect();
    for (id, old) in before {
        let new = &after[id];
        if !waits(old) {
            assert_eq!(old, new, "what people decided, and what is over, is not moved");
        }
        let heirs = after.values().filter(|one| one["replaces"] == old["id"]).count();
        assert_eq!(heirs, usize::from(new["state"] == "superseded"), "{new:#}");
    }
    let standing = after.values().filter(|one| waits(one));
    let mut asked: BTreeSet<&str> = BTreeSet::new();
    for one in standing {
        let key = one["plan"]["key"].as_str().unwrap();
        let view = &views[key];
        assert_eq!(one["plan"]["quantity"], view.quantity, "it says what the newest plan says");
        assert_eq!(one["plan"]["latest_ship_on"], json!(view.latest_ship_on), "{one:#}");
        asked.insert(key);
    }
    for (key, view) in views.iter().filter(|(key, _)| !asked.contains(&***key)) {
        let is_refused = after.values().any(|one| {
            let quantity = one["quantity"].as_u64().unwrap();
            one["state"] == "rejected"
                && one["plan"]["key"] == **key
                && u64::from(view.quantity) <= quantity
        });
        assert!(is_refused, "nobody decided against {key}");
    }
}

async fn play(acts: Vec<Act>) {
    let site = Site::with_user().await;
    let profile = Profile { roles: [Role::Logistics].into(), ..Profile::default() };
    site.add_person(LOGISTICS, profile, "$argon2id$none").await;
    let playing = Box::pin(async {
        let mut before = all(&site).await;
        for one in acts {
            let is_changed = match &one {
                Act::Plan { needs, is_stale } => {
                    let stepped = plan(&site, needs, *is_stale).await;
                    assert_eq!(stepped == Stepped::Refused, *is_stale);
                    if !is_stale {
                        check(needs, &before, &all(&site).await);
                    }
                    !is_stale
                }
                Act::Person { which, verb, quantity, is_stale } => {
                    let Some(id) = before.keys().nth(which % before.len().max(1)) else { continue };
                    let answer = act(&site, &before[id], verb, (*quantity, *is_stale)).await;
                    let is_done = answer.status.is_success();
                    assert!(is_done || answer.status.as_u16() == 409, "{}", answer.text());
                    assert!(!(is_done && *is_stale), "done with what was so before");
                    let after = all(&site).await;
                    let others = |all: &BTreeMap<String, Value>| {
                        all.iter()
                            .filter(|(other, _)| *other != id)
                            .map(|(_, one)| one.clone())
                            .collect::<Vec<_>>()
                    };
                    assert_eq!(others(&before), others(&after), "it is done with one piece");
                    is_done
                }
            };
            let after = all(&site).await;
            assert!(is_changed || before == after, "refused, and done");
            let keys: Vec<&Value> =
                after.values().filter(|one| waits(one)).map(|one| &one["plan"]["key"]).collect();
            let distinct: BTreeSet<_> = keys.iter().map(ToString::to_string).collect();
            assert_eq!(keys.len(), distinct.len(), "two pieces of one need stand: {keys:?}");
            before = after;
        }
    });
    with_writer(&site, playing).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn one_piece_of_each_need_stands_and_what_is_agreed_on_stays(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(Box::pin(play(acts)));
    }
}
