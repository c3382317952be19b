/// The operators' page: one HTML file, built into the program so that nothing has to be beside it.
///
/// A target of its own, because an embedded file is slow to compile and rarely changes.
package enum AdminPage {
  /// UTF-8.
  package static var html: [UInt8] { PackageResources.page_html }
}
