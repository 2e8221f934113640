//! What `openapi.yaml` marks with `x-trust`: the fields of bodies that are not taken from everybody.

use serde_json::Value;

/// A step on the way to a field of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Field(String),
    Element,
}

/// A field of a body that is not taken from everybody.
#[derive(Debug)]
pub(super) struct Marked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) places: Vec<Place>,
    /// `x-trust`.
    pub(super) word: String,
}

/// Every such field of every operation of storefronts.
pub(super) fn marked() -> Vec<Marked> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.yaml");
    let text = std::fs::read_to_string(file).expect("openapi.yaml");
    let document: Value = serde_yaml_ng::from_str(&text).expect("YAML");
    let mut all: Vec<Marked> = Vec::new();
    let paths = document["paths"].as_object().expect("paths");
    for (path, item) in paths.iter().filter(|(path, _)| path.starts_with("/v1/")) {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            collect(&document, schema, &mut Vec::new(), &mut |places, word| {
                let known = |one: &Marked| one.path == *path && one.method == *method && one.places == places;
                if !all.iter().any(known) {
                    let (method, path, word) = (method.clone(), path.clone(), word.to_owned());
                    all.push(Marked { method, path, places: places.to_vec(), word });
                }
            });
        }
    }
    all
}

/// Walks a schema and tells of each field that is marked.
fn collect(document: &Value, schema: &Value, places: &mut Vec<Place>, tell: &mut dyn FnMut(&[Place], &str)) {
    let schema = match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).expect("it leads somewhere"),
        None => schema,
    };
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        places.push(Place::Field(name.clone()));
        match field["x-trust"].as_str() {
            Some(word) => tell(places, word),
            None => collect(document, field, places, tell),
        }
        places.pop();
    }
    if !schema["items"].is_null() {
        places.push(Place::Element);
        collect(document, &schema["items"], places, tell);
        places.pop();
    }
    for one in schema["oneOf"].as_array().into_iter().flatten() {
        collect(document, one, places, tell);
    }
}
