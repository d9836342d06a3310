package receipt

import (
	"fmt"
	"strings"
	"time"

	"tillagent/printer"
)

// TestPage shows whether a printer is set up right: the width, Chinese, symbols,
// sizes, and QR codes in both ways. It opens no drawer. about is printed as it
// is, such as the port.
func TestPage(p printer.Profile, now time.Time, about ...string) printer.Doc {
	d := Shop{Columns: p.Columns}.doc()
	d.add(printer.Line{Text: "打印测试页", Align: printer.AlignCenter, Size: printer.SizeBig})
	d.left("型号 " + p.Name)
	d.left(p.Title)
	d.left(fmt.Sprintf("纸宽 %d 点 %d 列", p.Dots, p.Columns))
	d.left("时间 " + clock(now))
	for _, a := range about {
		d.left(a)
	}
	d.rule()
	d.left("一、宽度: 下两行应各占一行,正好到纸边")
	d.left(strings.Repeat("1234567890", p.Columns/10+1)[:p.Columns])
	d.left(strings.Repeat("国", p.Columns/2))
	d.add(printer.Columns{{Text: "左"}, {Text: "中", Align: printer.AlignCenter}, {Text: "右", Align: printer.AlignRight}})
	d.rule()
	d.left("二、中文: 乱码见说明书 Chinese 一节")
	d.left("简体 繁體 生僻 囍 瑭 堃 犇")
	d.left("符号 ￥ ￠ ± × ÷ √ ℃ № ① Ⅱ →")
	d.left("此处应为美元符号: $")
	d.add(printer.Line{Text: "加粗 Bold", Bold: true})
	d.add(printer.Line{Text: "倍宽 Wide", Size: printer.SizeWide})
	d.add(printer.Line{Text: "倍高 Tall", Size: printer.SizeTall})
	d.add(printer.Line{Text: "大字 Big", Size: printer.SizeBig})
	d.rule()
	const data = "https://example.com/test/0123456789-0123456789-0123456789"
	d.left("三、二维码 打印机自绘(qr = native)")
	d.add(printer.QR{Data: data, Kind: printer.QRNative})
	d.left("四、二维码 图像(qr = raster)")
	d.add(printer.QR{Data: data, Kind: printer.QRRaster})
	d.left("三无码或有乱字时用 raster")
	d.add(printer.Barcode{Data: "1234567890"})
	d.rule()
	d.left("五、以下切纸,不开钱箱")
	d.add(printer.Cut{})
	return d.Doc
}
