/// The operators' page: one HTML file, which is built into the program so that the program needs no
/// file beside it.
///
/// It is a target of its own because an embedded file is slow to compile and rarely changes.
package enum AdminPage {
  /// The file's bytes, in UTF-8.
  package static var html: [UInt8] { PackageResources.page_html }
}
