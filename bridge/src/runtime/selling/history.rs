//! A deal's way so far: its acts, folded with the process that each was judged by.

use std::collections::BTreeMap;

use upturn_core::compliance::policy::Policy;
use upturn_core::compliance::process::Process;
use upturn_core::compliance::process::deal::Deal;

use crate::store::deal_act::{self, DealAct};
use crate::store::error::StoreError;
use crate::store::{Store, Tx, policy};

/// A deal's way so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    /// What was done, in order.
    pub(crate) acts: Vec<DealAct>,
    /// How it stands; none before it has begun.
    pub(crate) deal: Option<Deal>,
}

impl History {
    /// Returns the way of `deal`, as `tx` sees it.
    pub(crate) async fn of_deal(tx: &mut Tx, deal: &str) -> Result<Self, StoreError> {
        let acts = deal_act::of_deal(tx, deal).await?;
        let mut policies = BTreeMap::new();
        for act in &acts {
            if !policies.contains_key(&act.policy) {
                policies.insert(act.policy.clone(), policy::get(tx, &act.policy).await?);
            }
        }
        Ok(Self::fold(acts, &policies))
    }

    /// Returns the way of `deal`.
    pub(crate) async fn committed(store: &Store, deal: &str) -> Result<Self, StoreError> {
        let acts = deal_act::committed(store, deal).await?;
        let mut policies = BTreeMap::new();
        for act in &acts {
            if !policies.contains_key(&act.policy) {
                let found = policy::get_committed(store, &act.policy).await?;
                policies.insert(act.policy.clone(), found);
            }
        }
        Ok(Self::fold(acts, &policies))
    }

    /// Folds `acts` with the versions that they were judged by.
    pub(crate) fn fold(acts: Vec<DealAct>, policies: &BTreeMap<String, Policy>) -> Self {
        let mut deal: Option<Deal> = None;
        for act in &acts {
            let process = policies.get(&act.policy).and_then(|of| of.process(Some(&act.process)));
            match (&mut deal, process) {
                (None, _) => deal = Some(Deal::begin(act.at)),
                (Some(deal), Some(process)) => {
                    // What was allowed then is allowed again: it is the same fold.
                    deal.act(process, act.at, &act.action).ok();
                }
                (Some(_), None) => {}
            }
        }
        Self { acts, deal }
    }

    /// Returns how many acts there are; with it somebody says what they saw.
    pub(crate) fn revision(&self) -> u64 {
        self.acts.last().map_or(0, |act| act.revision)
    }

    /// Returns the name of its process.
    pub(crate) fn process(&self) -> Option<&str> {
        self.acts.first().map(|act| &*act.process)
    }

    /// Returns its process as `policy` has it.
    pub(crate) fn process_in<'p>(&self, policy: &'p Policy) -> Option<&'p Process> {
        policy.process(Some(self.process()?))
    }
}
