//! Approvals: who may allow what is beyond a seller's authority, for exactly that content.
//!
//! **What it does** names who may approve by the amount, and judges an approval: it is of one content
//! by its hash, void when a guarded field changes, and never one's own.
//! **When it fires** where a price band blocks.
//! **Example** `deploy/compliance/approvals.toml`.
//! **Settings** [`Approvers`].

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::money::Currency;
use crate::money::exact::Exact;

/// A document that says who may approve.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Upturn approvals")]
pub struct Approvers {
    /// Its identity, stable over its versions.
    pub id: String,
    /// `approval`.
    pub kind: ApprovalKind,
    /// The currency of the tiers.
    pub currency: Currency,
    /// Who may approve up to which amount, from the lowest to the highest.
    pub tier: Vec<Tier>,
    /// The roles of people.
    #[serde(default)]
    pub people: BTreeMap<String, Vec<String>>,
    /// Who stands in for whom.
    #[serde(default)]
    pub delegation: Vec<Delegation>,
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalKind {
    /// Approvals.
    Approval,
}

/// A role and the amounts it may approve.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Amounts under this one; the last tier has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<Exact>,
    /// The role.
    pub role: String,
}

/// Someone who stands in for another for some days.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delegation {
    /// Whose authority it is.
    pub of: String,
    /// Who has it besides.
    pub to: String,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    pub until: NaiveDate,
}

/// An approval of a content.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The hash of what is approved.
    pub content: String,
    /// Who approves.
    pub by: String,
    /// The first day it holds.
    pub on: NaiveDate,
    /// The last day it holds.
    pub until: NaiveDate,
}

/// What an approval is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The hash of the content.
    pub content: &'a str,
    /// Who asks.
    pub person: &'a str,
    /// How much it is about, in the currency of the tiers; where it is not known, only the highest
    /// role may approve.
    pub amount: Option<Decimal>,
    /// The day it is used.
    pub day: NaiveDate,
}

/// Why an approval does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is of another content.
    #[error(
        "the approval by {by} is of another content: a guarded field has changed since; \
         ask for it again"
    )]
    Void {
        /// Who gave it.
        by: String,
    },
    /// It is over.
    #[error("the approval by {by} ended on {until}; ask for it again")]
    Expired {
        /// Who gave it.
        by: String,
        /// Its last day.
        until: NaiveDate,
    },
    /// It has not begun.
    #[error("the approval by {by} begins on {on}")]
    NotDue {
        /// Who gave it.
        by: String,
        /// Its first day.
        on: NaiveDate,
    },
    /// The seller's own.
    #[error("{by} asks and approves; nobody approves their own, another has to")]
    Own {
        /// Who gave it.
        by: String,
    },
    /// The person has no such authority.
    #[error("{by} may not approve this; {may} may")]
    NoAuthority {
        /// Who gave it.
        by: String,
        /// Who may.
        may: String,
    },
    /// It is decided.
    #[error("{by} has decided this already")]
    Decided {
        /// Who has.
        by: String,
    },
}

impl Refusal {
    /// Returns the stable word for it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Void { .. } => "approval-void",
            Self::Expired { .. } => "approval-expired",
            Self::NotDue { .. } => "approval-not-due",
            Self::Own { .. } => "approval-own",
            Self::NoAuthority { .. } => "approver-unknown",
            Self::Decided { .. } => "approval-decided",
        }
    }
}

impl Approvers {
    /// Returns the roles that may approve `amount`: that of its tier and those above.
    pub fn roles(&self, amount: Option<Decimal>) -> Vec<&str> {
        let Some(amount) = amount else {
            return self.tier.last().map(|tier| &*tier.role).into_iter().collect();
        };
        let reaches = |tier: &&Tier| tier.under.is_none_or(|under| amount < under.0);
        self.tier.iter().filter(reaches).map(|tier| &*tier.role).collect()
    }

    /// Returns who may approve `amount` on `day`, for people to read: roles, then those who have them
    /// or stand in for those, without `asking`.
    pub fn who(&self, amount: Option<Decimal>, day: NaiveDate, asking: &str) -> Vec<String> {
        let roles = self.roles(amount).into_iter().map(str::to_owned);
        roles.chain(self.persons(amount, day, asking)).collect()
    }

    /// Returns the persons who may approve `amount` on `day`, without `asking`.
    pub fn persons(&self, amount: Option<Decimal>, day: NaiveDate, asking: &str) -> Vec<String> {
        let roles = self.roles(amount);
        let stand_ins = self.delegation.iter().map(|delegation| &delegation.to);
        let mut people: Vec<&String> = self.people.keys().chain(stand_ins).collect();
        people.sort_unstable();
        people.dedup();
        let may = |person: &&String| **person != asking && self.may(person, &roles, day, asking);
        people.into_iter().filter(may).cloned().collect()
    }

    /// Judges an approval.
    pub fn judge(&self, approval: &Approval, asked: &Asked<'_>) -> Result<(), Refusal> {
        let by = approval.by.clone();
        if approval.by == asked.person {
            return Err(Refusal::Own { by });
        }
        if approval.content != asked.content {
            return Err(Refusal::Void { by });
        }
        if asked.day < approval.on {
            return Err(Refusal::NotDue { by, on: approval.on });
        }
        if approval.until < asked.day {
            return Err(Refusal::Expired { by, until: approval.until });
        }
        // The authority of the day it was given counts: who has left has left since.
        let roles = self.roles(asked.amount);
        if self.may(&approval.by, &roles, approval.on, asked.person) {
            Ok(())
        } else {
            Err(Refusal::NoAuthority { by, may: roles.join(" or ") })
        }
    }

    /// Tells whether `person` has one of `roles` on `day`, or stands in for someone who has. Nobody
    /// stands in for who is `asking`.
    fn may(&self, person: &str, roles: &[&str], day: NaiveDate, asking: &str) -> bool {
        let has = |person: &str| {
            let own = self.people.get(person).into_iter().flatten();
            own.into_iter().any(|role| roles.contains(&&**role))
        };
        has(person)
            || self.delegation.iter().any(|delegation| {
                delegation.to == person
                    && delegation.of != asking
                    && delegation.from <= day
                    && day <= delegation.until
                    && has(&delegation.of)
            })
    }
}

/// A request for approval and what became of it. Decided once: of two who decide at the same time, the
/// first in the log wins and the other is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The hash of the content.
    pub content: String,
    /// Who asks.
    pub person: String,
    /// How much it is about, in the currency of the tiers.
    pub amount: Option<Decimal>,
    /// What became of it.
    pub state: CaseState,
}

/// What became of a request for approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseState {
    /// Nothing yet.
    Open,
    /// It is allowed.
    Approved(Approval),
    /// It is not.
    Rejected {
        /// By whom.
        by: String,
    },
}

impl Case {
    /// Takes an approval. Fails, and stays as it was, where it does not count.
    pub fn approve(&mut self, approvers: &Approvers, approval: Approval) -> Result<(), Refusal> {
        self.judge(approvers, &approval)?;
        self.state = CaseState::Approved(approval);
        Ok(())
    }

    /// Takes a rejection, by someone who could approve. Fails, and stays as it was, otherwise.
    pub fn reject(&mut self, approvers: &Approvers, rejection: Approval) -> Result<(), Refusal> {
        self.judge(approvers, &rejection)?;
        self.state = CaseState::Rejected { by: rejection.by };
        Ok(())
    }

    /// Takes a changed content: whatever was decided is of another, and it is open again.
    pub fn amend(&mut self, content: &str) {
        if self.content != content {
            content.clone_into(&mut self.content);
            self.state = CaseState::Open;
        }
    }

    fn judge(&self, approvers: &Approvers, approval: &Approval) -> Result<(), Refusal> {
        match &self.state {
            CaseState::Open => {}
            CaseState::Approved(Approval { by, .. }) | CaseState::Rejected { by } => {
                return Err(Refusal::Decided { by: by.clone() });
            }
        }
        let asked = Asked {
            content: &self.content,
            person: &self.person,
            amount: self.amount,
            day: approval.on,
        };
        approvers.judge(approval, &asked)
    }
}

/// Returns the JSON Schema of such documents as text that ends with a newline.
pub fn schema() -> String {
    format!("{:#}\n", schemars::schema_for!(Approvers).to_value())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"
        id = "approvals"
        kind = "approval"
        currency = "CNY"
        tier = [{ under = 5000000, role = "regional-director" }, { role = "board" }]
        [people]
        "p.director" = ["regional-director"]
        "p.chair" = ["board"]
        "p.seller" = ["regional-director"]
        [[delegation]]
        of = "p.director"
        to = "p.deputy"
        from = "2025-01-20"
        until = "2025-01-31"
    "#;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn approval(by: &str) -> Approval {
        let (on, until) = (day("2025-01-27"), day("2025-02-26"));
        Approval { content: "abc".to_owned(), by: by.to_owned(), on, until }
    }

    #[test]
    fn an_approval_counts_only_for_what_when_and_by_whom_it_was_given() {
        let approvers: Approvers = toml::from_str(DOCUMENT).unwrap();
        let small = Some("4999999.99");
        let cases = [
            ("the director", "p.director", small, "abc", "2025-01-28", "fine"),
            ("the board, too", "p.chair", small, "abc", "2025-01-28", "fine"),
            ("the deputy", "p.deputy", small, "abc", "2025-01-28", "fine"),
            ("not under 5,000,000", "p.director", Some("5000000"), "abc", "2025-01-28", "may not"),
            ("the board does", "p.chair", Some("5000000"), "abc", "2025-01-28", "fine"),
            ("an unknown amount", "p.director", None, "abc", "2025-01-28", "may not"),
            ("another content", "p.director", small, "abd", "2025-01-28", "another content"),
            ("the last day", "p.director", small, "abc", "2025-02-26", "fine"),
            ("the day after", "p.director", small, "abc", "2025-02-27", "ended"),
            ("the day before", "p.director", small, "abc", "2025-01-26", "begins"),
            ("one's own", "p.seller", small, "abc", "2025-01-28", "nobody approves"),
            ("anybody", "p.else", small, "abc", "2025-01-28", "regional-director or board"),
        ];
        for (name, by, amount, content, on, expected) in cases {
            let amount = amount.map(|amount| amount.parse().unwrap());
            let asked = Asked { content, person: "p.seller", amount, day: day(on) };
            let judged = approvers.judge(&approval(by), &asked);
            let judged = judged.err().map_or_else(|| "fine".to_owned(), |error| error.to_string());
            assert!(judged.contains(expected), "case: {name}: {judged}");
        }
        let before = Approval { on: day("2025-01-19"), ..approval("p.deputy") };
        let amount = Some(Decimal::ONE);
        let asked = Asked { content: "abc", person: "p.seller", amount, day: day("2025-01-28") };
        assert!(approvers.judge(&before, &asked).is_err(), "before the delegation began");
    }

    #[test]
    fn of_two_approvers_one_wins_and_a_change_opens_the_case_again() {
        let approvers: Approvers = toml::from_str(DOCUMENT).unwrap();
        let mut case = Case {
            content: "abc".to_owned(),
            person: "p.seller".to_owned(),
            amount: Some(Decimal::TEN),
            state: CaseState::Open,
        };
        assert!(case.approve(&approvers, approval("p.seller")).is_err());
        assert_eq!(case.state, CaseState::Open);
        case.approve(&approvers, approval("p.director")).unwrap();
        let approved = case.clone();
        let second = case.approve(&approvers, approval("p.chair"));
        assert_eq!(second, Err(Refusal::Decided { by: "p.director".to_owned() }));
        assert!(case.reject(&approvers, approval("p.chair")).is_err());
        assert_eq!(case, approved);
        case.amend("abd");
        assert_eq!(case.state, CaseState::Open);
        assert!(case.approve(&approvers, approval("p.director")).is_err(), "of the old content");
    }
}
