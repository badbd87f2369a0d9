//! Rights: one table of what each role may do, which every route and every request to the writer
//! asks.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::role::Role;

/// Something that can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Look at tasks, their counts, their reasons.
    ReadTasks,
    /// Accept tasks, and close them.
    ActOnTasks,
    /// Look at pools of coupons and their budgets.
    ReadCoupons,
    /// Look at rules.
    ReadRules,
    /// Ask why a rule has made no task, which tells of devices and tasks anywhere.
    AskWhyNot,
    /// Put the rules and the registry of the folder in force.
    ReloadRules,
    /// Hand in events.
    SubmitEvents,
    /// Look at what could not be read.
    ReadDeadLetters,
    /// Look at destinations, and at the letters on their way to them.
    ReadDestinations,
    /// Try destinations, turn them on, send letters again or give them up.
    ManageDestinations,
    /// Look at feeds, their runs and their sets.
    ReadFeeds,
    /// Run, try and pause feeds, set their secrets, release or reject what is held.
    ManageFeeds,
    /// Look at deals, quotes and approvals.
    ReadDeals,
    /// Lead deals through their processes, price quotes, ask for approvals.
    ActOnDeals,
    /// Make work orders for what was promised, and deliver it.
    FulfilDeals,
    /// Decide approvals, as far as the rules of the house name one.
    DecideApprovals,
    /// Look at records of accounts, devices, stock and what else other systems keep.
    ReadRecords,
    /// Write and remove records, import tables, adopt devices.
    ManageRecords,
    /// Look at advice on stock.
    ReadAdvice,
    /// Agree on advice, edit it, put it off, decide against it.
    ActOnAdvice,
    /// Look at what forecasts were worth.
    ReadForecasts,
    /// Have back-tests of forecasts made.
    TryForecasts,
    /// Look at people, their roles and their tokens.
    ReadPeople,
    /// Add and change people, give them passwords, revoke their tokens.
    ManagePeople,
    /// Look at who changed what.
    ReadAudit,
}

/// How far a right reaches. What has no owner is reached by [`Reach::All`] only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Not at all.
    Nothing,
    /// To what is one's own, one's pools', or theirs for whom one stands in.
    Own,
    /// Also to what is one's teams', one's reports' and one's regions'.
    Team,
    /// To everything.
    All,
}

/// What a token for programs may be used for; never for more than its owner may do.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Deserialize,
    Serialize,
    schemars::JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TokenScope {
    /// To look at tasks, rules and dead letters.
    Read,
    /// To accept and close tasks.
    Tasks,
    /// To hand in events.
    Events,
    /// To reload rules.
    Rules,
    /// To look after destinations and letters.
    Delivery,
    /// To look after feeds.
    Feeds,
    /// To lead deals, price quotes and decide approvals.
    Deals,
    /// To write and remove records.
    Records,
    /// To look at people and to change them.
    People,
    /// To look at who changed what.
    Audit,
}

impl TokenScope {
    /// All of them, in the order in which they are shown.
    pub(crate) const ALL: [Self; 9] = [
        Self::Read,
        Self::Tasks,
        Self::Events,
        Self::Rules,
        Self::Delivery,
        Self::Feeds,
        Self::Deals,
        Self::Records,
        Self::People,
        Self::Audit,
    ];

    /// Returns its word, as forms, the API and the store have it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Tasks => "tasks",
            Self::Events => "events",
            Self::Rules => "rules",
            Self::Delivery => "delivery",
            Self::Feeds => "feeds",
            Self::Deals => "deals",
            Self::Records => "records",
            Self::People => "people",
            Self::Audit => "audit",
        }
    }

    /// Returns the scope that `word` names.
    pub(crate) fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.word() == word)
    }
}

/// A row of the table: the scope a token needs, and how far each role reaches, in the order of
/// [`Role::ALL`].
type Row = (TokenScope, [Reach; 6]);

const NO: Reach = Reach::Nothing;
const OWN: Reach = Reach::Own;
const TEAM: Reach = Reach::Team;
const ALL: Reach = Reach::All;

impl Action {
    /// The table. Nobody approves business by being an admin, and no auditor changes anything.
    #[rustfmt::skip]
    fn row(self) -> Row {
        match self {
            //                                                admin ops  sales mgr   logi. auditor
            Self::ReadTasks          => (TokenScope::Read,    [NO,  ALL, OWN,  TEAM, OWN,  ALL]),
            Self::ActOnTasks         => (TokenScope::Tasks,   [NO,  NO,  OWN,  TEAM, OWN,  NO ]),
            Self::ReadCoupons        => (TokenScope::Read,    [NO,  ALL, ALL,  ALL,  NO,   ALL]),
            Self::ReadRules | Self::ReadForecasts
                                     => (TokenScope::Read,    [NO,  ALL, ALL,  ALL,  ALL,  ALL]),
            Self::AskWhyNot          => (TokenScope::Read,    [NO,  ALL, NO,   TEAM, NO,   ALL]),
            Self::ReloadRules        => (TokenScope::Rules,   [NO,  ALL, NO,   NO,   NO,   NO ]),
            Self::SubmitEvents       => (TokenScope::Events,  [NO,  ALL, NO,   NO,   NO,   NO ]),
            Self::ReadDeadLetters | Self::ReadDestinations
                                     => (TokenScope::Read,    [NO,  ALL, NO,   NO,   NO,   ALL]),
            Self::ManageDestinations => (TokenScope::Delivery, [NO,  ALL, NO,   NO,   NO,   NO ]),
            Self::ReadFeeds | Self::ReadRecords | Self::ReadAdvice
                                     => (TokenScope::Read,    [NO,  ALL, NO,   ALL,  ALL,  ALL]),
            Self::ManageFeeds        => (TokenScope::Feeds,   [NO,  ALL, NO,   NO,   NO,   NO ]),
            Self::ReadDeals          => (TokenScope::Read,    [NO,  ALL, OWN,  TEAM, ALL,  ALL]),
            Self::ActOnDeals         => (TokenScope::Deals,   [NO,  NO,  OWN,  TEAM, NO,   NO ]),
            Self::FulfilDeals        => (TokenScope::Deals,   [NO,  NO,  OWN,  TEAM, ALL,  NO ]),
            Self::DecideApprovals    => (TokenScope::Deals,   [NO,  NO,  ALL,  ALL,  NO,   NO ]),
            Self::ManageRecords      => (TokenScope::Records, [NO,  ALL, NO,   NO,   NO,   NO ]),
            Self::ActOnAdvice        => (TokenScope::Tasks,   [NO,  NO,  NO,   NO,   ALL,  NO ]),
            Self::TryForecasts       => (TokenScope::Rules,   [NO,  ALL, NO,   ALL,  ALL,  NO ]),
            Self::ReadPeople         => (TokenScope::People,  [ALL, NO,  NO,   NO,   NO,   ALL]),
            Self::ManagePeople       => (TokenScope::People,  [ALL, NO,  NO,   NO,   NO,   NO ]),
            Self::ReadAudit          => (TokenScope::Audit,   [ALL, NO,  NO,   NO,   NO,   ALL]),
        }
    }

    /// Returns how far somebody with `roles` reaches with it: as far as the role that reaches
    /// farthest.
    pub(crate) fn reach(self, roles: &BTreeSet<Role>) -> Reach {
        let (_, columns) = self.row();
        let columns = Role::ALL.into_iter().zip(columns);
        let reaches = columns.filter(|(role, _)| roles.contains(role)).map(|(_, reach)| reach);
        reaches.max().unwrap_or(Reach::Nothing)
    }

    /// Returns the scope that a token needs for it.
    pub(crate) fn scope(self) -> TokenScope {
        self.row().0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_roles_reach_as_far_as_the_one_that_reaches_farthest() {
        let cases: [(&[Role], Action, Reach); 6] = [
            (&[], Action::ReadRules, Reach::Nothing),
            (&[Role::Admin], Action::ActOnTasks, Reach::Nothing),
            (&[Role::Admin, Role::Sales], Action::ActOnTasks, Reach::Own),
            (&[Role::Sales, Role::SalesManager], Action::ReadTasks, Reach::Team),
            (&[Role::Sales, Role::Auditor], Action::ReadTasks, Reach::All),
            (&[Role::Sales, Role::Auditor], Action::ActOnTasks, Reach::Own),
        ];
        for (roles, action, expected) in cases {
            let roles: BTreeSet<_> = roles.iter().copied().collect();
            assert_eq!(action.reach(&roles), expected, "case: {roles:?} {action:?}");
        }
    }

    #[test]
    fn words_lead_back_to_what_they_name() {
        assert!(Role::ALL.into_iter().all(|role| Role::find(role.word()) == Some(role)));
        let scopes = TokenScope::ALL.into_iter();
        assert!(
            scopes.map(|scope| (scope, TokenScope::find(scope.word()))).all(|(a, b)| Some(a) == b)
        );
    }
}
