//! What is kept of a quote, and of asking for what is beyond its seller's authority.

use chrono::{DateTime, Utc};
use upturn_core::money::Currency;
use upturn_core::quote::snapshot::Snapshot;

use crate::store::approval::{ApprovalState, StoredApproval};
use crate::store::quote::StoredQuote;

/// Who asks, when, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// Who.
    pub(crate) by: &'a str,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// Why, in their words.
    pub(crate) reason: &'a str,
}

/// Returns the quote of `deal` as it is kept, priced by somebody at a time.
pub(crate) fn stored(
    snapshot: &Snapshot,
    deal: Option<String>,
    (actor, at): (&str, DateTime<Utc>),
) -> Result<StoredQuote, serde_json::Error> {
    Ok(StoredQuote {
        digest: snapshot.digest.clone(),
        number: snapshot.request.id.clone(),
        content: snapshot.content.clone(),
        deal,
        seller: snapshot.request.seller.person.clone(),
        actor: actor.to_owned(),
        at,
        is_clear: snapshot.quote.is_clear(),
        document: snapshot.write()?,
    })
}

/// Returns what in the quote somebody else may allow, in words.
pub(crate) fn beyond(snapshot: &Snapshot) -> Vec<String> {
    let problems = snapshot.quote.problems.iter();
    let beyond = problems.filter(|problem| {
        problem.breach.is_some() || problem.code.as_str() == "price-band-missing"
    });
    beyond.map(ToString::to_string).collect()
}

/// Returns the case about what is `beyond`; tiers count in `currency`.
pub(crate) fn case(
    stored: &StoredQuote,
    snapshot: &Snapshot,
    (beyond, currency): (&[String], Currency),
    asked: &Asked<'_>,
) -> StoredApproval {
    let told = [asked.reason, &beyond.join("; ")].join("\n").trim().to_owned();
    StoredApproval {
        id: String::new(),
        content: stored.content.clone(),
        quote: stored.digest.clone(),
        deal: stored.deal.clone(),
        person: stored.seller.clone(),
        asked_by: asked.by.to_owned(),
        // By rates that the seller states it is not known how much it is about.
        amount: snapshot.worth(currency).filter(|_| {
            currency == snapshot.quote.currency || snapshot.request.facts.rates.is_empty()
        }),
        currency: currency.to_string(),
        reason: told,
        asked_at: asked.at,
        state: ApprovalState::Open,
        decision: None,
        revision: 1,
    }
}
