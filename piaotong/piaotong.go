// Package piaotong is the client of the Piaotong (票通) invoicing platform.
//
// It speaks the platform's envelope (3DES content, SHA1withRSA signatures),
// makes typed calls and tells the caller what an answer means: see [Kind].
// It knows nothing of sales, queues or retries; it never repeats a call by
// itself, because only the caller knows which number a repetition must carry.
//
// "2.16" and the like are the platform's own interface numbers.
//
// Amounts, prices, quantities and rates are decimal strings throughout
// ("58.50", "0.13"): the platform compares text and numbers alike, and a float
// must never touch money. Times are sent and read as Beijing time (fixed
// UTC+8), whatever the zone of the machine.
package piaotong

import (
	"fmt"
	"time"
)

// beijing is a fixed zone: the platform knows no daylight saving, and tills
// often have neither a time-zone database nor the right zone.
var beijing = time.FixedZone("UTC+8", 8*60*60)

const timeLayout = "2006-01-02 15:04:05"

// FormatTime writes t as the platform does: Beijing time, "yyyy-MM-dd HH:mm:ss".
func FormatTime(t time.Time) string {
	return t.In(beijing).Format(timeLayout)
}

// ParseTime reads a time of the form of [FormatTime] (19 characters).
func ParseTime(s string) (time.Time, error) {
	// time.Parse alone would also take fractions of a second.
	if len(s) != len(timeLayout) {
		return time.Time{}, fmt.Errorf("%q is not a time of the form yyyy-MM-dd HH:mm:ss", s)
	}
	t, err := time.ParseInLocation(timeLayout, s, beijing)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a time of the form yyyy-MM-dd HH:mm:ss", s)
	}
	return t, nil
}
