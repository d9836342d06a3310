package piaotong

// HasPath reports whether the interface of a key of [EndpointKeys] has a path,
// so that calls of it can be sent; see [Error].NoPath.
func (c *Client) HasPath(key string) bool { return c.paths[key] != "" }
