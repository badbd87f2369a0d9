//! JSON, XML and tables as one kind of tree, so that settings can name any place in any of them.
//!
//! | | becomes |
//! |---|---|
//! | a JSON object | its members by name |
//! | a JSON array | items `0`, `1`, … |
//! | a JSON text or number | its text as it is written |
//! | an XML element | its attributes as `@name`, its elements by local name, its own text |
//! | a table | `lines` above its head, `head`, its names, `rows`, each with its cells by these, and `ragged` |
//!
//! `ragged` has, by the numbers of rows, how many cells those have that are cut or go past the head;
//! empty cells past it do not count.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::json::{self, Members};
use super::xml::{Piece, Pieces};
use super::{ReadError, number};

/// How deep a tree may be.
const DEPTH_MAX: usize = 64;
/// How many nodes a tree may have.
const NODES_MAX: usize = 4_000_000;
/// How many columns a table may have.
const COLUMNS_MAX: usize = 10_000;

/// A place in a document and what stands below it.
#[derive(Debug, Default)]
pub struct Node {
    /// Its own text; none where there is none, as in an object, or where it is null.
    pub text: Option<String>,
    /// What stands below it, by name, in the order of the document.
    pub children: Vec<(String, Self)>,
}

impl Node {
    /// Returns a node that is a text.
    fn of_text(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), children: Vec::new() }
    }
}

/// Reads `text` as JSON.
pub fn of_json(text: &str) -> Result<Node, ReadError> {
    let value: &RawValue = json::read(text)?;
    let mut budget = NODES_MAX;
    json_node(value, 0, &mut budget)
}

fn json_node(value: &RawValue, depth: usize, budget: &mut usize) -> Result<Node, ReadError> {
    *budget = budget.checked_sub(1).ok_or_else(too_large)?;
    if DEPTH_MAX < depth {
        return Err(ReadError::excess("it is more than 64 levels deep"));
    }
    let mut node = Node::default();
    match value.get().as_bytes().first() {
        Some(b'{') => {
            let members: Members<'_> = json::part(value, "")?;
            for (name, member) in members.0 {
                node.children.push((name.into_owned(), json_node(member, depth + 1, budget)?));
            }
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = json::part(value, "")?;
            for (index, item) in items.into_iter().enumerate() {
                node.children.push((index.to_string(), json_node(item, depth + 1, budget)?));
            }
        }
        Some(b'n') => {}
        Some(b't' | b'f') => node.text = Some(value.get().to_owned()),
        _ => node.text = json::scalar(value).ok().map(Cow::into_owned),
    }
    Ok(node)
}

/// Reads `text` as XML; the tree's one child is the root element.
pub fn of_xml(text: &str) -> Result<Node, ReadError> {
    let mut pieces = Pieces::of(text);
    // Those elements that have begun and not ended, the document itself first.
    let mut open = vec![(String::new(), Node::default())];
    let mut budget = NODES_MAX;
    while let Some(piece) = pieces.advance()? {
        match piece {
            Piece::Start(element) => {
                budget = budget.checked_sub(1 + element.attributes.len()).ok_or_else(too_large)?;
                let mut node = Node::default();
                for (name, value) in element.attributes {
                    node.children.push((format!("@{name}"), Node::of_text(value)));
                }
                open.push((element.name, node));
            }
            Piece::Text(text) => {
                if let Some((_, node)) = open.last_mut() {
                    node.text.get_or_insert_default().push_str(&text);
                }
            }
            Piece::End => {
                let Some((name, node)) = open.pop() else { continue };
                if let Some((_, parent)) = open.last_mut() {
                    parent.children.push((name, node));
                }
            }
        }
    }
    Ok(open.pop().map(|(_, node)| node).unwrap_or_default())
}

/// Reads `text` as a table whose names stand in line `head` (from 1), cells divided by `divider`.
pub fn of_table(text: &str, head: usize, divider: u8) -> Result<Node, ReadError> {
    let mut rest = text;
    let mut above = Node::default();
    for index in 0..head.saturating_sub(1) {
        let (line, below) = rest.split_once('\n').ok_or_else(|| {
            ReadError::whole(format!(
                "it has no line {head}, where the names of columns should stand"
            ))
        })?;
        above.children.push((index.to_string(), Node::of_text(line.trim_end_matches('\r'))));
        rest = below;
    }
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(divider)
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(rest.as_bytes());
    let broken = |error: csv::Error| ReadError::broken(format!("it is no table: {error}"));
    let names = reader.headers().map_err(broken)?.clone();
    if COLUMNS_MAX < names.len() {
        let what = format!("it has {} columns; at most {COLUMNS_MAX} are read", names.len());
        return Err(ReadError::whole(what));
    }
    let (mut rows, mut ragged) = (Node::default(), Node::default());
    let mut budget = NODES_MAX;
    for record in reader.records() {
        let record = record.map_err(broken)?;
        budget = budget.checked_sub(1 + record.len()).ok_or_else(too_large)?;
        // A line of another length is a remark above or below the table, or a shifted row: who must
        // tell these apart looks at `ragged`, others at what is missing where they ask.
        let is_longer = record.iter().skip(names.len()).any(|cell| !cell.is_empty());
        if record.len() < names.len() || is_longer {
            let row = rows.children.len().to_string();
            ragged.children.push((row, Node::of_text(record.len().to_string())));
        }
        let cells = names.iter().zip(record.iter());
        let children = cells.map(|(name, cell)| (name.to_owned(), Node::of_text(cell))).collect();
        rows.children.push((rows.children.len().to_string(), Node { text: None, children }));
    }
    let cells = (0..).zip(names.iter());
    let cells = cells.map(|(index, name): (u32, _)| (index.to_string(), Node::of_text(name)));
    let head = Node { text: None, children: cells.collect() };
    let children = [("lines", above), ("head", head), ("rows", rows), ("ragged", ragged)];
    let children = children.map(|(name, node)| (name.to_owned(), node)).into();
    Ok(Node { text: None, children })
}

fn too_large() -> ReadError {
    ReadError::excess("it has more parts than are read")
}

/// The way from a document's root to one of its places.
#[derive(Clone, Debug)]
pub struct Spot<'n> {
    /// The nodes on the way, the root first; never empty.
    nodes: Vec<&'n Node>,
    /// The names on the way; one less.
    names: Vec<&'n str>,
}

/// The way to places in a tree: names divided by `/`.
///
/// A name stands for all children that have it, `*` for every child, `..` goes back up; with a `/`
/// before, the way begins at the root. `#` is the name under which the place itself stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    is_absolute: bool,
    steps: Vec<String>,
}

impl Path {
    /// Reads `text`; `~1` stands for a `/` within a name and `~0` for a `~`, as in JSON pointers.
    pub fn read(text: &str) -> Self {
        let is_absolute = text.starts_with('/');
        let steps = text.split('/').filter(|step| !step.is_empty());
        let steps = steps.map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
        Self { is_absolute, steps }
    }
}

impl<'n> Spot<'n> {
    /// Returns the root of `tree`.
    pub fn root(tree: &'n Node) -> Self {
        Self { nodes: vec![tree], names: Vec::new() }
    }

    /// Returns where `path` leads from here, in the order of the document.
    pub fn all(&self, path: &Path) -> Vec<Self> {
        let start = if path.is_absolute {
            Self { nodes: self.nodes.iter().take(1).copied().collect(), names: Vec::new() }
        } else {
            self.clone()
        };
        let mut spots = vec![start];
        for step in &path.steps {
            spots = spots.iter().flat_map(|spot| spot.step(step)).collect();
        }
        spots
    }

    /// Returns the text at the one place `path` leads to; nothing where there is no such place, or no
    /// text in it.
    pub fn text(&self, path: &Path) -> Option<&'n str> {
        if path.steps.last().is_some_and(|last| last == "#") {
            let before =
                Path { is_absolute: path.is_absolute, steps: path.steps.split_last()?.1.to_vec() };
            return self.all(&before).first()?.names.last().copied();
        }
        self.all(path).first()?.nodes.last()?.text.as_deref().map(str::trim)
    }

    /// Returns the node here.
    pub fn node(&self) -> Option<&'n Node> {
        self.nodes.last().copied()
    }

    fn step(&self, step: &str) -> Vec<Self> {
        let mut next = self.clone();
        if step == ".." {
            if 1 < next.nodes.len() {
                next.nodes.pop();
                next.names.pop();
            }
            return vec![next];
        }
        let Some(node) = self.node() else { return Vec::new() };
        let is_wanted = |name: &str| step == "*" || step == name;
        let found = node.children.iter().filter(|(name, _)| is_wanted(name));
        found
            .map(|(name, child)| {
                let mut next = self.clone();
                next.nodes.push(child);
                next.names.push(name);
                next
            })
            .collect()
    }

    /// Returns the way here for messages: `/rates/3`.
    pub fn place(&self) -> String {
        let names: Vec<_> = self.names.iter().map(|name| number::short(name)).collect();
        format!("/{}", names.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(tree: &Node, rows: &str, path: &str) -> Vec<String> {
        let found = Spot::root(tree).all(&Path::read(rows));
        let text = |spot: Spot<'_>| spot.text(&Path::read(path)).unwrap_or("-").to_owned();
        found.into_iter().map(text).collect()
    }

    #[test]
    fn paths_lead_through_every_kind_of_document() {
        let json =
            of_json(r#"{"a":[{"d":"1","r":[{"x":1.50},{"x":null}]},{"d":"2","r":[{"x":"3"}]}]}"#);
        let json = json.unwrap();
        assert_eq!(texts(&json, "/a/*/r/*", "x"), ["1.50", "-", "3"]);
        assert_eq!(texts(&json, "/a/*/r/*", "../../d"), ["1", "1", "2"]);
        assert_eq!(texts(&json, "/a/*/r/*", "#"), ["0", "1", "0"]);

        let xml = "<t:V d='9'><R c='A'>1</R><R c='B'>2</R><S>5</S></t:V>";
        let xml = of_xml(xml).unwrap();
        assert_eq!(texts(&xml, "/V/R", "@c"), ["A", "B"]);
        assert_eq!(texts(&xml, "/V/R", ""), ["1", "2"]);
        assert_eq!(texts(&xml, "/V/S", "/V/@d"), ["9"]);

        let table =
            of_table("05.04.2016 #65\r\ncode|rate\r\nAUD|17,9\r\nBRL\r\n", 2, b'|').unwrap();
        assert_eq!(texts(&table, "/rows/*", "code"), ["AUD", "BRL"]);
        assert_eq!(texts(&table, "/rows/*", "rate"), ["17,9", "-"]);
        assert_eq!(texts(&table, "/lines/0", ""), ["05.04.2016 #65"]);
        let table = of_table("a,b\n1,2\n1\n1,2,\n1,2,3\n", 1, b',').unwrap();
        assert_eq!(texts(&table, "/ragged/*", "#"), ["1", "3"]);
        assert_eq!(texts(&table, "/ragged/*", ""), ["1", "3"]);
    }
}
