//! The filters of the inbox, as the address carries them: `?view=overdue&owner=mine`.

use crate::store::task_view::{DueFilter, OwnerFilter, StateFilter, TaskFilter, Today};

/// A preset of the inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// All that are open and not put off.
    All,
    /// Due before now.
    Overdue,
    /// Due before tomorrow.
    Today,
    /// Due tomorrow, later or never.
    Later,
    /// Put off.
    Snoozed,
    /// Done or dismissed.
    Closed,
    /// Withdrawn.
    Withdrawn,
    /// What rules on trial would have asked for.
    Trial,
}

impl View {
    /// All of them, in the order of the page.
    pub(crate) const ALL: [Self; 8] = [
        Self::All,
        Self::Overdue,
        Self::Today,
        Self::Later,
        Self::Snoozed,
        Self::Closed,
        Self::Withdrawn,
        Self::Trial,
    ];

    /// Returns its word in the address.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Overdue => "overdue",
            Self::Today => "today",
            Self::Later => "later",
            Self::Snoozed => "snoozed",
            Self::Closed => "closed",
            Self::Withdrawn => "withdrawn",
            // As the stage of such a rule is written.
            Self::Trial => "shadow",
        }
    }

    /// Returns the view that `word` names.
    pub(crate) fn find(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|view| view.word() == word)
    }
}

/// Whose tasks, as the reader says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Everybody's.
    All,
    /// The reader's.
    Mine,
    /// Those of the pools.
    Pool,
    /// Those of the owner with this id.
    Id(String),
}

impl Owner {
    /// Returns its word in the address.
    pub(crate) fn word(&self) -> &str {
        match self {
            Self::All => "all",
            Self::Mine => "mine",
            Self::Pool => "pool",
            Self::Id(id) => id,
        }
    }

    /// Returns what `word` names: an owner's id if it is none of the words.
    pub(crate) fn read(word: &str) -> Self {
        match word {
            "" | "all" => Self::All,
            "mine" => Self::Mine,
            "pool" => Self::Pool,
            id => Self::Id(id.replace(char::is_control, "\u{fffd}")),
        }
    }

    /// Returns it as the store asks for it, for a reader called `reader`.
    pub(crate) fn filter(&self, reader: &str) -> OwnerFilter {
        match self {
            Self::All => OwnerFilter::Anyone,
            Self::Mine => OwnerFilter::Is(reader.to_owned()),
            Self::Pool => OwnerFilter::Pools,
            Self::Id(id) => OwnerFilter::Is(id.clone()),
        }
    }
}

/// What the inbox shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    /// The preset.
    pub(crate) view: View,
    /// Whose tasks.
    pub(crate) owner: Owner,
}

impl Filter {
    /// Returns it as the store asks for it, for a reader called `reader`.
    pub(crate) fn tasks(&self, reader: &str, today: Today) -> TaskFilter {
        let open = StateFilter::Open;
        let (state, due) = match self.view {
            View::All => (open, DueFilter::Any),
            View::Overdue => (open, DueFilter::Before(today.now)),
            View::Today => (open, DueFilter::Between(today.now, today.ends_at)),
            View::Later => (open, DueFilter::FromOrNever(today.ends_at)),
            View::Snoozed => (StateFilter::Snoozed, DueFilter::Any),
            View::Closed => (StateFilter::Closed, DueFilter::Any),
            View::Withdrawn => (StateFilter::Withdrawn, DueFilter::Any),
            View::Trial => (StateFilter::Trial, DueFilter::Any),
        };
        TaskFilter { owner: self.owner.filter(reader), state, due }
    }

    /// Returns the query that leads to it, with `more` behind; defaults are left out.
    pub(crate) fn query(&self, more: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if self.view != View::All {
            query.append_pair("view", self.view.word());
        }
        if self.owner != Owner::All {
            query.append_pair("owner", self.owner.word());
        }
        query.extend_pairs(more);
        query.finish()
    }

    /// Returns the address of the inbox that shows it.
    pub(crate) fn link(&self, more: &[(&str, &str)]) -> String {
        let query = self.query(more);
        if query.is_empty() { "/tasks".to_owned() } else { format!("/tasks?{query}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_link() {
        let cases = [
            (View::All, Owner::All, "/tasks"),
            (View::Overdue, Owner::Mine, "/tasks?view=overdue&owner=mine"),
            (View::All, Owner::Id("a&b=c".into()), "/tasks?owner=a%26b%3Dc"),
        ];
        for (view, owner, expected) in cases {
            assert_eq!(Owner::read(owner.word()), owner);
            assert_eq!(View::find(view.word()), Some(view));
            assert_eq!(Filter { view, owner }.link(&[]), expected);
        }
    }
}
