@main struct ModelSimulator { static func main() {} }
