//! Names as small numbers, so that state is found by an index and a name is kept once.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable};

/// A name's number.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
)]
pub(crate) struct Symbol(u32);

impl Symbol {
    /// Returns the number as a place in a list.
    pub(crate) fn index(self) -> usize {
        // u32 fits into usize on every machine this runs on.
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// Returns the number of a place in a list.
    pub(crate) fn at(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }
}

/// Gives each name a number, counting from 0 in the order of first use.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub(crate) struct Interner {
    /// Looked up only, never iterated: order cannot be seen. The hash has a secret seed, since
    /// devices choose names.
    numbers: HashTable<Symbol>,
    hasher: DefaultHashBuilder,
    names: Names,
}

/// All names, one behind the other.
#[derive(Clone, Debug, Default)]
struct Names {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Names {
    fn get(&self, symbol: Symbol) -> &str {
        let at = symbol.index();
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        let end = self.ends.get(at).copied().unwrap_or_default();
        self.text.get(start.unwrap_or_default()..end).unwrap_or_default()
    }
}

impl Interner {
    /// Returns the number of `name`.
    pub(crate) fn intern(&mut self, name: &str) -> Symbol {
        let hash = self.hasher.hash_one(name);
        if let Some(known) = self.numbers.find(hash, |known| self.names.get(*known) == name) {
            return *known;
        }
        // Four thousand million names do not fit into memory, let alone into a number.
        let symbol = Symbol::at(self.names.ends.len());
        self.names.text.push_str(name);
        self.names.ends.push(self.names.text.len());
        let rehash = |known: &Symbol| self.hasher.hash_one(self.names.get(*known));
        self.numbers.insert_unique(hash, symbol, rehash);
        symbol
    }

    /// Returns the number of `name`, if it has one.
    pub(crate) fn find(&self, name: &str) -> Option<Symbol> {
        let hash = self.hasher.hash_one(name);
        self.numbers.find(hash, |known| self.names.get(*known) == name).copied()
    }

    /// Returns the name with this number.
    pub(crate) fn text(&self, symbol: Symbol) -> &str {
        self.names.get(symbol)
    }
}

impl From<Vec<String>> for Interner {
    fn from(names: Vec<String>) -> Self {
        let mut interner = Self::default();
        for name in &names {
            interner.intern(name);
        }
        interner
    }
}

impl From<Interner> for Vec<String> {
    fn from(interner: Interner) -> Self {
        let names = &interner.names;
        (0..names.ends.len()).map(|at| names.get(Symbol::at(at)).to_owned()).collect()
    }
}
