/**
 * The words that names are made of: short, easy to say over a telephone, none of them rude beside another.
 *
 * @module
 */

export const ADJECTIVES: readonly string[] = (
  "agile amber ample azure bold brave breezy bright brisk calm candid casual cheery civil clean clear clever cosmic " +
  "cozy crisp curly dapper daring deft eager early easy epic fair fancy fleet fluffy fond frank free fresh frosty " +
  "gentle glad golden grand great green handy happy hardy hazel hearty honest humble ideal jazzy jolly keen kind " +
  "large lively loyal lucid lucky lunar mellow merry mighty mild misty modest neat nimble noble novel odd olive " +
  "opal open patient plain plucky polite prime proud quick quiet rapid ready regal robust rosy royal rural rustic " +
  "sandy serene sharp shiny silent silver simple sleek smart smooth snowy social solar solid sonic spry stable " +
  "steady stellar sturdy sunny super swift tidy tranquil trim true trusty upbeat urban vast velvet vivid warm wise " +
  "witty zany zesty"
).split(" ");

export const NOUNS: readonly string[] = (
  "acorn anchor apple arrow aspen badger bamboo basin beacon beaver birch bison bobcat breeze bridge brook canyon " +
  "cedar cherry cliff cloud clover comet condor coral cove coyote crane creek cricket daisy dawn delta dolphin dune " +
  "eagle echo elk ember falcon fern field finch fjord flame forest fox gale garden gecko geyser glacier glade grove " +
  "gull harbor hare hawk hazel heron hill holly ibis iris island ivy jaguar jasper kestrel kiwi koala lagoon lake " +
  "lantern lark laurel leaf lemur lily linden lion lotus lynx magpie maple marble marten meadow mesa meteor moon " +
  "moose moss newt oak oasis ocean orca orchid osprey otter owl panda pebble pelican peony pine planet plum pond " +
  "poppy prairie puffin quail quartz rabbit rain raven reef ridge river robin rose sage salmon sequoia shore sparrow " +
  "spruce squid star stone stream summit sun swan thistle tiger topaz trail tulip tundra valley violet walrus water " +
  "wave whale willow wind wolf wombat wren yak yew zebra"
).split(" ");
