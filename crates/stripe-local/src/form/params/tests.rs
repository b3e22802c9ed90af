use super::*;
use crate::form::parse;

fn params(form: &str) -> Params {
    Params::new(parse(form).unwrap())
}

#[test]
fn unread_parameters_are_unknown() {
    let mut params = params("email=a&data[x]=1&data[y]=2");
    assert_eq!(params.text("email"), Ok(Some("a".to_owned())));
    let mut data = params.nested("data").unwrap().unwrap();
    assert_eq!(data.integer("x"), Ok(Some(1)));
    let error = data.finish().unwrap_err().body();
    assert_eq!(error["error"]["param"], "data[y]");
    assert_eq!(error["error"]["code"], "parameter_unknown");
    assert_eq!(params.finish(), Ok(()));
}

#[test]
fn invalid_values_are_rejected() {
    assert!(params("a=x").integer("a").is_err());
    assert!(params("a=1").boolean("a").is_err());
    assert!(params("a[b]=1").text("a").is_err());
    assert!(params("a=1").nested("a").is_err());
    assert!(params("a[b]=1").elements("a").is_err());
    assert_eq!(params("a=").patch("a"), Ok(Patch::Clear));
    assert_eq!(params("").patch("a"), Ok(Patch::Keep));
}

#[test]
fn arrays_are_ordered_by_index() {
    let form: String = (0..12).rev().map(|n| format!("a[{n}]={n}&")).collect();
    let expected: Vec<String> = (0..12).map(|n: i32| n.to_string()).collect();
    assert_eq!(params(&form).texts("a"), Ok(expected));
}

#[test]
fn ranges_include_the_right_timestamps() {
    // Form, then the timestamps from 1 to 5 that are in the range.
    let cases = [
        ("", vec![1, 2, 3, 4, 5]),
        ("created=3", vec![3]),
        ("created[gt]=3", vec![4, 5]),
        ("created[gte]=2&created[lt]=4", vec![2, 3]),
        ("created[lte]=1", vec![1]),
    ];
    for (form, expected) in cases {
        let range = params(form).range("created").unwrap();
        let found: Vec<i64> = (1..=5).filter(|at| range.contains(*at)).collect();
        assert_eq!(found, expected, "{form}");
    }
    assert!(params("created[x]=1").range("created").is_err());
}

#[test]
fn metadata_is_merged_within_limits() {
    let mut metadata = Metadata::from([("a".into(), "1".into()), ("b".into(), "2".into())]);
    params("metadata[a]=&metadata[c]=3")
        .metadata(&mut metadata)
        .unwrap();
    assert_eq!(
        metadata,
        Metadata::from([("b".into(), "2".into()), ("c".into(), "3".into())])
    );
    assert!(
        params(&format!("metadata[{}]=1", "k".repeat(41)))
            .metadata(&mut metadata)
            .is_err()
    );
    assert!(
        params(&format!("metadata[k]={}", "v".repeat(501)))
            .metadata(&mut metadata)
            .is_err()
    );
    params("metadata=").metadata(&mut metadata).unwrap();
    assert!(metadata.is_empty());
}
