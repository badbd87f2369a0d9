//! What a table, or another system, must not change of deals: the stage and the guarded fields of their
//! process. Those change by acts alone, each judged.

use std::collections::BTreeMap;

use upturn_core::compliance::policy::Policy;
use upturn_core::compliance::process::deal::{Action, Deal};
use upturn_core::compliance::process::{Guarded, Process};

use super::Refused;
use super::history::History;
use crate::store::deal_act::{self, Head};
use crate::store::error::StoreError;
use crate::store::{Store, policy};

/// Judges records of deals that are to be written.
#[derive(Debug)]
pub(crate) struct Guard {
    policy: Policy,
    heads: BTreeMap<String, Head>,
}

impl Guard {
    /// Returns what judges records; none where no process is in force.
    pub(crate) async fn of(store: &Store) -> Result<Option<Self>, StoreError> {
        let Some(version) = policy::committed(store).await? else { return Ok(None) };
        if version.policy.processes.is_empty() {
            return Ok(None);
        }
        let heads = deal_act::heads(store).await?;
        Ok(Some(Self { policy: version.policy, heads }))
    }

    /// Returns whether `deal` goes by a process.
    pub(crate) fn is_led(&self, deal: &str) -> bool {
        self.heads.contains_key(deal)
    }

    /// Judges the record of `deal`, whose cells were `before`, where it is there, and are to be `after`.
    pub(crate) async fn check<'c>(
        &self,
        store: &Store,
        deal: &str,
        before: impl Fn(&str) -> Option<&'c str>,
        after: impl Fn(&str) -> Option<&'c str>,
    ) -> Result<Result<(), Refused>, StoreError> {
        if !self.is_led(deal) {
            return Ok(self.check_new((before("stage"), after("stage"))));
        }
        let history = History::committed(store, deal).await?;
        let Some((process, standing)) = history.process_in(&self.policy).zip(history.deal.as_ref())
        else {
            return Ok(Ok(()));
        };
        let mut judged = judge_stage(process, standing, after("stage").unwrap_or_default());
        for guarded in &process.guarded {
            let (old, new) = (before(&guarded.field), after(&guarded.field));
            if judged.is_ok() && old != new {
                judged = judge_field(process, standing, guarded, new.unwrap_or_default());
            }
        }
        Ok(judged)
    }

    /// A deal that goes by no process yet does not appear behind a gate.
    fn check_new(&self, (before, after): (Option<&str>, Option<&str>)) -> Result<(), Refused> {
        let stage = after.unwrap_or_default();
        let place = self.policy.processes.iter().find_map(|process| process.place(stage));
        if before == after || place.is_none_or(|place| place == 0) {
            return Ok(());
        }
        let detail = format!(
            "'{stage}' is not the first stage of its process; begin the process and lead the deal there"
        );
        Err(Refused::rule("stage-skipped", detail))
    }
}

fn judge_stage(process: &Process, deal: &Deal, stage: &str) -> Result<(), Refused> {
    if deal.stage(process).is_some_and(|standing| standing.id == stage) {
        return Ok(());
    }
    let action = Action::Enter { stage: stage.to_owned() };
    let refusal = deal.clone().act(process, deal.last_at(), &action).err();
    Err(if let Some(refusal) = refusal {
        Refused::rule(refusal.code(), refusal.to_string())
    } else {
        let detail = format!("enter '{stage}' by an act on the deal, so that it is known who did");
        Refused::rule("stage-by-act-only", detail)
    })
}

fn judge_field(
    process: &Process,
    deal: &Deal,
    guarded: &Guarded,
    value: &str,
) -> Result<(), Refused> {
    // A table brings no confirmation, so this is never allowed; the sentence is that of an act.
    let (field, value, confirmed) = (guarded.field.clone(), value.to_owned(), String::new());
    let judged =
        deal.clone().act(process, deal.last_at(), &Action::Set { field, value, confirmed });
    judged.map_err(|refusal| Refused::rule(refusal.code(), refusal.to_string()))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};
    use upturn_core::compliance::document::{self, Document};

    use super::*;
    use crate::store::deal_act::DealAct;
    use crate::store::testing::{at, each_backend};

    const PROCESS: &str = "id = \"p\"\nkind = \"process\"\ntitle = { en = \"P\" }\n\
        [[stage]]\nid = \"lead\"\ntitle = { en = \"A\" }\n\
        [[stage]]\nid = \"offer\"\ntitle = { en = \"B\" }\n\
        [[stage.require]]\nid = \"file\"\ntitle = { en = \"x\" }\nproof = { by = \"file\" }\n\
        [[stage]]\nid = \"order\"\ntitle = { en = \"C\" }\n\
        [[guarded]]\nfield = \"product\"\npreset = [\"V-1\", \"V-2\"]\n";

    async fn begin(store: &Store, deal: &str, now: DateTime<Utc>) {
        let Ok(Document::Process(process)) = document::parse(PROCESS) else { panic!("a process") };
        let policy = Policy { processes: vec![process], ..Policy::default() };
        let mut tx = store.begin().await.unwrap();
        policy::put(&mut tx, &policy, (1, now), "a").await.unwrap();
        let act = DealAct {
            deal: deal.to_owned(),
            revision: 1,
            position: 2,
            at: now,
            actor: "lin".to_owned(),
            process: "p".to_owned(),
            policy: policy.digest(),
            action: Action::Begin,
        };
        assert!(deal_act::append(&mut tx, &act).await.unwrap());
        tx.commit().await.unwrap();
    }

    #[tokio::test]
    async fn a_table_leads_no_deal_past_its_process() {
        each_backend(async |store| {
            assert!(Guard::of(store).await.unwrap().is_none());
            begin(store, "d1", at(1)).await;
            let guard = Guard::of(store).await.unwrap().unwrap();
            // The deal, its stage and product before, those of the table, and what is refused.
            let cases = [
                ("d1", ["lead", "V-1"], ["lead", "V-1"], ""),
                ("d1", ["lead", "V-1"], ["order", "V-1"], "stage-skipped"),
                ("d1", ["lead", "V-1"], ["offer", "V-1"], "requirement-missing"),
                ("d1", ["lead", "V-1"], ["elsewhere", "V-1"], "process-unknown-name"),
                ("d1", ["lead", "V-1"], ["lead", "V-2"], "confirmation-void"),
                ("d1", ["lead", "V-1"], ["lead", "V-9"], "value-not-preset"),
                ("d2", ["", ""], ["lead", "V-9"], ""),
                ("d2", ["", ""], ["elsewhere", "V-9"], ""),
                ("d2", ["", ""], ["offer", "V-9"], "stage-skipped"),
                ("d2", ["offer", "V-1"], ["offer", "V-9"], ""),
            ];
            for (deal, before, after, expected) in cases {
                let cell = |[stage, product]: [&'static str; 2]| {
                    move |name: &str| match name {
                        "stage" => Some(stage),
                        "product" => Some(product),
                        _ => None,
                    }
                };
                let judged = guard.check(store, deal, cell(before), cell(after)).await.unwrap();
                let code = judged.err().map_or("", |refused| refused.code);
                assert_eq!(code, expected, "case: {deal} {before:?} {after:?}");
            }
        })
        .await;
    }
}
