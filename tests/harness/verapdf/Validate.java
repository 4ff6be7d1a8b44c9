import java.io.FileInputStream;
import java.io.InputStream;
import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/** Prints a line for each rule of a flavour (such as 3a) that each of the PDF files breaks. */
public final class Validate {
  public static void main(String[] arguments) throws Exception {
    VeraGreenfieldFoundryProvider.initialise();
    PDFAFlavour flavour = PDFAFlavour.fromString(arguments[0]);
    for (int at = 1; at < arguments.length; at++) {
      try (InputStream file = new FileInputStream(arguments[at]);
          PDFAParser parser = Foundries.defaultInstance().createParser(file, flavour)) {
        ValidationResult found =
            Foundries.defaultInstance().createValidator(flavour, false).validate(parser);
        System.out.println(arguments[at] + "\t" + found.getTotalAssertions() + "\tassertions");
        for (TestAssertion each : found.getTestAssertions()) {
          if (each.getStatus() != TestAssertion.Status.PASSED) {
            String rule = each.getRuleId().getClause() + "/" + each.getRuleId().getTestNumber();
            System.out.println(arguments[at] + "\t" + rule + "\t" + each.getMessage());
          }
        }
      }
    }
  }
}
